//! Addresses with values in them: whatever a value holds, it stays one segment of the path, or one value of the query.

use super::ast::{Part, Template};
use super::expr::{Fault, Scope, needs_filter};

impl Scope<'_> {
    /// The address of a template that is only read. Values are percent-encoded.
    ///
    /// # Errors
    /// A value that is not there, or that would be no segment of its own (empty, `.`, `..`).
    pub fn address(&self, template: &Template) -> Result<String, Fault> {
        let mut address = String::new();
        for part in &template.parts {
            match part {
                Part::Text(text) => address.push_str(text),
                Part::Expr(expr) => {
                    let value = self.expression(expr)?;
                    let plain = value.plain().ok_or_else(|| needs_filter(&expr.path, &value))?;
                    let in_path = !address.contains('?');
                    if in_path && matches!(plain.trim(), "" | "." | "..") {
                        let message = format!("`{}` is no segment of a path", expr.path);
                        return Err(Fault { span: expr.path.span.clone(), message });
                    }
                    encode(&plain, &mut address);
                }
            }
        }
        Ok(address)
    }
}

/// Everything but letters, digits and `- . _ ~` (RFC 3986 §2.3) as `%XX`.
fn encode(plain: &str, address: &mut String) {
    for byte in plain.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            address.push(char::from(byte));
        } else {
            address.push_str(&format!("%{byte:02X}"));
        }
    }
}
