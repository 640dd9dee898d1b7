//! Signs and words of other languages, which authors write by habit, and what Rego has in their place.

/// What Rego has in place of a sign of another language.
pub(super) struct Sign {
    pub(super) text: &'static str,
    pub(super) cure: &'static str,
    /// The sign of Rego that it is read as behind the fault; `None` where nothing stands in its place.
    pub(super) read_as: Option<&'static str>,
}

const fn sign(text: &'static str, read_as: Option<&'static str>, cure: &'static str) -> Sign {
    Sign {
        text,
        cure,
        read_as,
    }
}

/// Signs that no text of Rego has outside of strings; longer ones before those that they begin with.
const SIGNS: [Sign; 18] = [
    sign("===", Some("=="), "write `==`"),
    sign("!==", Some("!="), "write `!=`"),
    sign(
        "&&",
        None,
        "write each condition on a line of its own, or `;` between them",
    ),
    sign(
        "||",
        None,
        "write a second rule of the same name, or `in {..}` for one of several values",
    ),
    sign("<>", Some("!="), "write `!=`"),
    sign("=<", Some("<="), "write `<=`"),
    sign(
        "=>",
        Some(">="),
        "write `>=` to compare, or `:=` for a value",
    ),
    sign("=~", Some("=="), "write `regex.match(pattern, text)`"),
    sign("!~", Some("!="), "write `not regex.match(pattern, text)`"),
    sign("->", None, "write `:=` for a value"),
    sign(
        "+=",
        Some(":="),
        "a variable keeps its value: give the new value another name by `:=`",
    ),
    sign(
        "-=",
        Some(":="),
        "a variable keeps its value: give the new value another name by `:=`",
    ),
    sign("!", None, "write `not` before a condition, or `!=`"),
    sign(
        "?",
        None,
        "write `object.get(value, key, default)` for what may be missing, or a second rule or `else` for another value",
    ),
    sign("~", None, "write `regex.match(pattern, text)`"),
    sign("^", None, "write `bits.xor(a, b)`"),
    sign(
        "\\",
        None,
        "a statement ends with its line; inside of brackets it goes on without a sign",
    ),
    sign(
        "$",
        None,
        "write a variable without it; a template string is `$\"..{x}..\"`",
    ),
];

/// The sign of another language that a text begins with.
pub(super) fn sign_of(text: &str) -> Option<&'static Sign> {
    // `!=` is one of Rego's, and `!` alone is not.
    if text.starts_with("!=") && !text.starts_with("!==") {
        return None;
    }
    SIGNS.iter().find(|sign| text.starts_with(sign.text))
}

/// Characters that look like one of Rego's, as text processors and web pages put them in its place.
pub(super) fn looks_like(character: char) -> Option<&'static str> {
    Some(match character {
        '\u{a0}' | '\u{2000}'..='\u{200b}' | '\u{202f}' | '\u{2060}' | '\u{3000}' | '\u{feff}' => {
            "a space"
        }
        '\u{2010}'..='\u{2015}' | '\u{2212}' => "`-`",
        '\u{2260}' => "`!=`",
        '\u{2264}' => "`<=`",
        '\u{2265}' => "`>=`",
        '\u{ff1d}' => "`=`",
        '\u{ff1a}' => "`:`",
        '\u{ff0c}' => "`,`",
        '\u{ff08}' => "`(`",
        '\u{ff09}' => "`)`",
        _ => return None,
    })
}

/// The quotation mark that closes what another language or a text processor opens with this one.
pub(super) fn closing_quote(opening: char) -> Option<&'static [char]> {
    Some(match opening {
        '\'' => &['\''],
        '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{b4}' => &['\u{2018}', '\u{2019}', '\u{b4}'],
        '\u{201c}' | '\u{201d}' | '\u{201e}' => &['\u{201c}', '\u{201d}', '"'],
        '\u{ab}' | '\u{bb}' => &['\u{ab}', '\u{bb}'],
        _ => return None,
    })
}

/// Whether other languages continue a rule by this word. Every other word before a brace can be the name of a rule.
pub(super) fn is_else(word: &str) -> bool {
    matches!(word, "elif" | "elsif" | "elseif" | "otherwise")
}

/// What to write in place of a word of another language.
pub(crate) fn word(word: &str) -> Option<&'static str> {
    Some(match word {
        "and" | "AND" => "write each condition on a line of its own, or `;` between them",
        "or" | "OR" => {
            "write a second rule of the same name, or `in {..}` for one of several values"
        }
        "NOT" => "write `not`",
        "when" | "where" | "provided" | "iff" | "IF" => "write `if`",
        "unless" => "write `if not`",
        "then" => "conditions stand behind `if`, and the value before it: `name := value if {..}`",
        word if is_else(word) => "write `else := value if {..}`",
        "True" | "TRUE" => "write `true`",
        "False" | "FALSE" => "write `false`",
        "None" | "nil" | "Null" | "NULL" => "write `null`",
        "undefined" => {
            "an undefined value equals no other: write `not value`, or `object.get(value, key, default)`"
        }
        "function" | "func" | "fn" | "fun" | "def" => {
            "a function is a rule with arguments: `name(x) := value if {..}`"
        }
        "rule" => "a rule begins with its name: `name if {..}`",
        "let" | "var" | "const" | "local" | "set" => {
            "a variable gets its value by `:=`, without a word before it"
        }
        "return" => "a rule has its value before the body: `name := value if {..}`",
        "for" | "foreach" | "while" => {
            "write `some x in xs` where one must hold, or `every x in xs {..}` where all must"
        }
        "any" => "write `some x in xs`",
        "all" => "write `every x in xs {..}`",
        "is" | "equals" | "eq" => "write `==`",
        "isnt" | "neq" => "write `!=`",
        "like" | "matches" => "write `regex.match(pattern, text)`",
        "switch" | "case" | "match" => "write one rule of the same name for each case",
        "try" | "catch" => "an error of a condition makes its rule undefined; there is no `try`",
        "if" => {
            "a body holds conditions only: write what depends on another one as a rule of its own"
        }
        "exists" => "write only the reference: it holds if the value exists and is not false",
        "this" | "self" => "write `input` for the request, or the name of a rule",
        _ => return None,
    })
}

/// The built-in function that other languages call by this name.
pub(crate) fn function(name: &str) -> Option<&'static str> {
    Some(match name {
        "len" | "length" | "size" | "strlen" => "count",
        "tolower" | "to_lower" | "toLower" | "toLowerCase" | "lowercase" | "downcase" => "lower",
        "toupper" | "to_upper" | "toUpper" | "toUpperCase" | "uppercase" | "upcase" => "upper",
        "includes" | "has" | "member" | "elem" | "in_array" => "x in xs",
        "match" | "matches" | "regex" | "re.match" | "regexp" | "regexMatch" => "regex.match",
        "strip" => "trim_space",
        "join" => "concat",
        "append" | "push" => "array.concat",
        "keys" => "object.keys",
        "get" => "object.get",
        "str" | "string" | "format" | "printf" => "sprintf",
        "int" | "float" | "number" | "parseInt" => "to_number",
        "now" => "time.now_ns",
        "range" => "numbers.range",
        "isString" | "is_str" => "is_string",
        "begins_with" | "beginsWith" | "startsWith" | "hasPrefix" | "has_prefix" => "startswith",
        "endsWith" | "hasSuffix" | "has_suffix" => "endswith",
        _ => return None,
    })
}
