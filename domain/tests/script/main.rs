//! The script language from outside: files in, findings and bundles out.

mod support;

mod bundle;
mod schema_rows;
mod yaml_rows;
