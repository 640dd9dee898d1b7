//! Parses rules: heads, bodies and the words between them.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::{
    cursor::{Cursor, ParseResult},
    foreign,
    lexer::SyntaxError,
    token::Kind,
    tree::{Else, Expr, ExprKind, Head, HeadKind, Name, Query, Rule},
};
use crate::{
    diagnostic::{Code, nearest},
    source::Span,
};

/// A head, before it is known what it defines.
pub(super) struct Started {
    pub(super) name: Name,
    pub(super) path: Vec<Expr>,
    pub(super) arguments: Option<Vec<Expr>>,
    member: Option<Expr>,
    pub(super) value: Option<Expr>,
    pub(super) span: Span,
    /// What follows the name behind a space, if something does.
    spaced: Option<Span>,
}

impl Cursor {
    /// A rule, or several if bodies are chained.
    pub(super) fn rules(&mut self, is_v1: bool) -> ParseResult<Vec<Rule>> {
        let start = self.span();
        if self.take_keyword("default") {
            return self.default(start).map(|rule| vec![rule]);
        }
        let started = self.head()?;
        let is_bare = started.value.is_none() && started.member.is_none();
        let has_if = self.take_if(is_bare);
        let at_body = self.span();
        let body = if has_if {
            Some(self.body_behind_if()?)
        } else if self.is_sign("{") {
            Some(self.braces()?)
        } else {
            None
        };
        if is_v1 && !has_if && body.is_some() {
            if foreign::is_else(&started.name.text) {
                return Err(self.no_head(&started.name));
            }
            let mut fault = self.at(at_body, "a body stands behind `if`");
            fault.code = Code::Keyword;
            fault.cure = Some(match started.member_of_old_set() {
                Some(member) => format!("write `{} contains {member} if {{`", started.name.text),
                None => "write `if` before it".to_owned(),
            });
            return Err(fault);
        }
        if let Some(spaced) = started.spaced
            && body.is_none()
            && started.member.is_none()
        {
            let mut fault = self.at(
                spaced,
                "expected what belongs to the name of a rule without conditions right behind it, found a space",
            );
            fault.cure = Some("remove the space".to_owned());
            return Err(fault);
        }
        let head = self.defined(started, has_if, body.is_some(), is_v1)?;
        if body.is_none() && self.is_keyword("else") {
            let mut fault = self.at(self.span(), "`else` stands behind a body, found none");
            fault.cure = Some("write `if {..}` before it".to_owned());
            return Err(fault);
        }
        let elses = self.elses(&head, is_v1)?;
        let mut rules = vec![Rule {
            is_default: false,
            head,
            body,
            elses,
            span: start.to(self.last_span()),
        }];
        while self.is_sign("{") {
            let start = self.span();
            let Some(first) = rules.first() else { break };
            if !first.elses.is_empty() || first.body.is_none() {
                return Err(self.unexpected("the next rule"));
            }
            let head = first.head.clone();
            let body = Some(self.braces()?);
            rules.push(Rule {
                is_default: false,
                head,
                body,
                elses: Vec::new(),
                span: start.to(self.last_span()),
            });
        }
        Ok(rules)
    }

    pub(super) fn head(&mut self) -> ParseResult<Started> {
        let start = self.span();
        let Some(name) = self.name().map(str::to_owned) else {
            let mut fault = self.unexpected("a rule or an import");
            fault.cure = match self.kind() {
                Kind::Sign("}" | "]" | ")") => Some("remove it: it closes nothing".to_owned()),
                Kind::Word(word) if !matches!(word.as_str(), "if" | "else" | "not" | "some") => {
                    Some(format!(
                        "give the rule another name than the keyword `{word}`"
                    ))
                }
                Kind::Word(word) if word == "else" => {
                    Some("`else` stands behind the `}` of a rule".to_owned())
                }
                Kind::Word(_) => Some("a condition stands in a rule: `name if {..}`".to_owned()),
                _ => None,
            };
            return Err(fault);
        };
        self.advance();
        let first = Expr {
            kind: ExprKind::Var(name.clone()),
            span: start,
        };
        let spaced = self.token().filter(|token| token.after_space);
        let spaced = spaced.map(|token| token.span);
        let before = self.place();
        let whole = self.way(first, true)?;
        let spaced = spaced.filter(|_| self.place() != before);
        let (reference, arguments) = match whole.kind {
            // `f()` is the rule `f`, which no call gets to.
            ExprKind::Call(function, arguments) => {
                (*function, Some(arguments).filter(|all| !all.is_empty()))
            }
            _ => (whole, None),
        };
        let path = match reference.kind {
            ExprKind::Ref(head, path) if matches!(head.kind, ExprKind::Var(_)) => path,
            ExprKind::Var(_) => Vec::new(),
            _ => return Err(self.at(start, "a rule has a name and the way below it")),
        };
        let mut started = Started {
            name: Name {
                text: name,
                span: start,
            },
            path,
            arguments,
            member: None,
            value: None,
            span: start.to(self.last_span()),
            spaced,
        };
        if self.take_word("contains") {
            if started.arguments.is_some() {
                return Err(self.at(start, "a function has a value, and no members"));
            }
            started.member = Some(self.value()?);
        } else if self.take_sign(":=") || self.take_sign("=") {
            started.value = Some(self.value()?);
        }
        started.span = start.to(self.last_span());
        Ok(started)
    }

    /// Takes the keyword `if`. Behind a value, `if[` is a reference, and behind a bare head the keyword.
    fn take_if(&mut self, is_bare: bool) -> bool {
        if is_bare {
            self.take_word("if")
        } else {
            self.take_keyword("if")
        }
    }

    /// After `if`, a single condition may have no braces. Text in braces that can be read as one condition is one,
    /// except a set.
    fn body_behind_if(&mut self) -> ParseResult<Query> {
        let place = self.place();
        match self.literal() {
            Ok(literal) if !is_set(&literal) => Ok(Query {
                span: literal.span,
                literals: vec![literal],
            }),
            Ok(_) => {
                self.go_back(place);
                self.braces()
            }
            Err(fault) => {
                self.go_back(place);
                if !self.is_sign("{") {
                    return Err(fault);
                }
                self.braces()
            }
        }
    }

    /// The conditions between the brace that is next and its end.
    fn braces(&mut self) -> ParseResult<Query> {
        self.advance();
        self.enter()?;
        let query = self.query_of_rule();
        self.leave();
        let query = query?;
        self.advance();
        Ok(query)
    }

    /// What a head defines, from the words beside it.
    fn defined(
        &self,
        started: Started,
        has_if: bool,
        has_body: bool,
        is_v1: bool,
    ) -> ParseResult<Head> {
        let is_old_set = started.is_set_without_keyword(has_if);
        let Started {
            name,
            mut path,
            arguments,
            member,
            value,
            span,
            ..
        } = started;
        let kind = if let Some(member) = member {
            HeadKind::Member(member)
        } else if is_old_set && let Some(member) = path.pop() {
            if is_v1 {
                let mut fault = self.at(span, "a member of a set stands behind `contains`");
                fault.code = Code::Keyword;
                fault.cure = Some(format!("write `{} contains ..`", name.text));
                return Err(fault);
            }
            HeadKind::Member(member)
        } else if has_if || has_body || value.is_some() || arguments.is_some() {
            HeadKind::Value(value)
        } else {
            return Err(self.no_head(&name));
        };
        Ok(Head {
            name,
            path,
            arguments,
            kind,
            span,
        })
    }

    /// What to say of a name with nothing behind it that makes a rule of it.
    fn no_head(&self, name: &Name) -> Box<SyntaxError> {
        let keyword = nearest(&name.text, ["default", "import", "package"]);
        let cure = foreign::word(&name.text);
        let is_word = matches!(self.kind(), Kind::Word(_));
        if keyword.is_some() || cure.is_some() {
            let message = format!("expected a rule or an import, found `{}`", name.text);
            let mut fault = self.at(name.span, &message);
            fault.suggestion = keyword;
            fault.cure = cure.map(str::to_owned);
            return fault;
        }
        let expected = "`:=`, `if` or `contains` behind the name of a rule";
        let mut fault = self.unexpected_for(expected, &["if", "contains"]);
        if !is_word && fault.cure.is_none() {
            fault.cure = Some("write `name := value`, or `name if {..}` for conditions".to_owned());
        }
        fault
    }

    fn elses(&mut self, head: &Head, is_v1: bool) -> ParseResult<Vec<Else>> {
        let mut elses = Vec::new();
        while self.is_keyword("else") {
            let start = self.span();
            if matches!(head.kind, HeadKind::Member(_)) {
                return Err(self.at(start, "a rule that gives members of a set has no `else`"));
            }
            if head
                .path
                .iter()
                .any(|part| !matches!(part.kind, ExprKind::String(_)))
            {
                return Err(self.at(start, "a rule with a variable in its name has no `else`"));
            }
            self.advance();
            let value = if self.take_sign(":=") || self.take_sign("=") {
                Some(self.value()?)
            } else {
                None
            };
            let has_if = self.take_if(value.is_none());
            let body = if self.is_sign("{") {
                if is_v1 && !has_if {
                    let mut fault = self.at(self.span(), "a body stands behind `if`");
                    fault.code = Code::Keyword;
                    fault.cure = Some("write `if` before it".to_owned());
                    return Err(fault);
                }
                Some(self.braces()?)
            } else if has_if {
                let literal = self.literal()?;
                Some(Query {
                    span: literal.span,
                    literals: vec![literal],
                })
            } else {
                None
            };
            if value.is_none() && body.is_none() {
                return Err(self.unexpected("a value or a body behind `else`"));
            }
            // A body that always holds is the last one.
            let is_last = body.is_none();
            elses.push(Else {
                value,
                body,
                span: start.to(self.last_span()),
            });
            if is_last {
                break;
            }
        }
        Ok(elses)
    }
}

impl Started {
    /// `p[x]`, which is a member of a set unless a keyword says otherwise.
    fn is_set_without_keyword(&self, has_if: bool) -> bool {
        !has_if
            && self.member.is_none()
            && self.value.is_none()
            && self.arguments.is_none()
            && self.path.len() == 1
    }

    /// The member that `p[x] {`, `p["x"] {` or `p.x {` adds to a set in v0; `member` if it is no variable and no text.
    fn member_of_old_set(&self) -> Option<Cow<'_, str>> {
        let key = self
            .path
            .last()
            .filter(|_| self.is_set_without_keyword(false))?;
        Some(match &key.kind {
            ExprKind::String(text) => Json::from(text.as_str()).to_string().into(),
            ExprKind::Var(name) => name.as_str().into(),
            _ => "member".into(),
        })
    }
}

fn is_set(literal: &super::tree::Literal) -> bool {
    use super::tree::{Condition, LiteralKind};
    matches!(
        &literal.kind,
        LiteralKind::Condition(Condition::Value(Expr {
            kind: ExprKind::Set(_),
            ..
        }))
    ) && literal.with.is_empty()
}
