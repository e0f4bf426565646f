//! X12 005010: interchanges, functional groups, transaction sets, segments and elements.
