//! A refusal as a page, for people with a browser.

use std::fmt::Write as _;

use crate::pipeline::decision::Denial;

/// A page of its own: no script, no style sheet, nothing that is fetched.
pub(super) fn html(title: &str, denial: &Denial, id: &str) -> String {
    let detail = escaped(&denial.detail);
    let code = escaped(denial.reason);
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

    #[test]
    fn what_a_client_sent_is_text_on_the_page() {
        let denial = Denial {
            status: 400,
            reason: "bad-byte",
            detail: "a byte: `<script>alert('x')</script>&\"`".to_owned(),
            ..Denial::default()
        };
        let page = html("Bad Request", &denial, "an-id");
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
