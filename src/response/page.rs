//! A denial as an HTML page, for people with a browser.

use std::fmt::Write as _;

use crate::record::Denial;

/// A page without scripts, style sheets or anything else that a browser would fetch.
pub(super) fn html(title: &str, denial: &Denial, detail: &str, id: &str) -> String {
    let detail = escaped(detail);
    let code = escaped(denial.code);
    let id = escaped(id);
    let status = denial.status;
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title></head>\n<body>\n<h1>{status} {title}</h1>\n<p>{detail}</p>\n<p><small>{code}, decision {id}</small></p>\n</body>\n</html>\n"
    )
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' | '<' | '>' | '"' | '\'' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::DenialStatus;

    #[test]
    fn what_a_client_sent_is_text_on_the_page() {
        let detail = "a byte: `<script>alert('x')</script>&\"`";
        let denial = Denial::new(DenialStatus::BAD_REQUEST, "bad-byte", detail);
        let page = html("Bad Request", &denial, detail, "an-id");
        assert!(
            page.contains("&#60;script&#62;alert(&#39;x&#39;)&#60;/script&#62;&#38;&#34;"),
            "{page}"
        );
        assert!(!page.contains("<script"), "{page}");
        assert!(
            page.contains("<h1>400 Bad Request</h1>") && page.contains("an-id"),
            "{page}"
        );
    }
}
