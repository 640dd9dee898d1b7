//! A simple browser: it keeps cookies, follows redirections, and sends forms. It is quicker than a real one, and a test can
//! change its cookies.

use std::collections::BTreeMap;

use geowarden_stack::{Answer, Ask};

use crate::stage::Outcome;

/// The maximum of redirections. More of them are a loop.
const MAX_STEPS: usize = 20;

/// A browser with its cookies, by `host:port`.
#[derive(Clone, Default)]
pub(crate) struct Browser {
    cookies: BTreeMap<String, BTreeMap<String, String>>,
    /// Where the last visit ended.
    pub(crate) address: String,
}

impl Browser {
    /// Opens a page as a person does, and follows redirections.
    pub(crate) async fn open(&mut self, url: &str) -> Outcome<Answer> {
        self.follow(url.to_owned(), None).await
    }

    /// Sends a form to a page, and follows redirections.
    pub(crate) async fn send(&mut self, url: &str, form: &str) -> Outcome<Answer> {
        self.follow(url.to_owned(), Some(form.to_owned())).await
    }

    /// Sends a request as a script of the page does: with the cookies, but not as a navigation to a page.
    pub(crate) async fn fetch(&mut self, url: &str) -> Outcome<Answer> {
        let (host, target) = parts(url)?;
        let ask = Ask::get(target).header("accept", "application/json");
        let answer = self.with_cookies(ask, &host).send(&host).await?;
        self.keep(&host, &answer);
        Ok(answer)
    }

    async fn follow(&mut self, mut url: String, mut form: Option<String>) -> Outcome<Answer> {
        for _ in 0..MAX_STEPS {
            let (host, target) = parts(&url)?;
            let ask = match form.take() {
                Some(form) => {
                    Ask::new("POST", target).body("application/x-www-form-urlencoded", form)
                }
                None => Ask::get(target),
            };
            let ask = self
                .with_cookies(ask, &host)
                .header("accept", "text/html,*/*;q=0.8");
            let answer = ask.send(&host).await?;
            self.keep(&host, &answer);
            match answer.header("location") {
                Some(location) if (300..400).contains(&answer.status()) => {
                    url = if location.starts_with('/') {
                        format!("http://{host}{location}")
                    } else {
                        location.to_owned()
                    };
                }
                _ => {
                    self.address = url;
                    return Ok(answer);
                }
            }
        }
        Err("too many redirections".into())
    }

    fn with_cookies(&self, ask: Ask, host: &str) -> Ask {
        let cookies: Vec<_> = self.cookies.get(host).into_iter().flatten().collect();
        if cookies.is_empty() {
            return ask;
        }
        let all: Vec<_> = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        ask.header("cookie", all.join("; "))
    }

    fn keep(&mut self, host: &str, answer: &Answer) {
        let jar = self.cookies(host);
        for cookie in answer.headers("set-cookie") {
            let mut attributes = cookie.split(';').map(str::trim);
            let Some((name, value)) = attributes.next().and_then(|pair| pair.split_once('='))
            else {
                continue;
            };
            let is_over = attributes.any(|attribute| {
                let attribute = attribute.to_ascii_lowercase();
                attribute == "max-age=0" || attribute.starts_with("expires=thu, 01 jan 1970")
            });
            if is_over {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// The cookies for `host:port`, which a test can read and change.
    pub(crate) fn cookies(&mut self, host: &str) -> &mut BTreeMap<String, String> {
        self.cookies.entry(host.to_owned()).or_default()
    }
}

fn parts(url: &str) -> Outcome<(String, String)> {
    let rest = url
        .strip_prefix("http://")
        .ok_or_else(|| format!("no http URL: {url}"))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    Ok((host.to_owned(), format!("/{path}")))
}
