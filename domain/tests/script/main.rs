//! The script language from outside: files in, findings, bundles and values out.

mod support;
mod validator;

mod bundle;
mod check_rows;
mod docs;
mod mutations;
mod reports;
mod repository;
mod schema;
mod schema_rows;
mod values;
mod yaml_rows;
