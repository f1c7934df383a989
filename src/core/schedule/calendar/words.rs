//! What is wrong with a cron expression, in words of ours: those of the library speak of its own parts.

use croner::parser::CronParser;

/// The names that stand for an expression.
const NAMES: [&str; 6] = [
    "@yearly",
    "@annually",
    "@monthly",
    "@weekly",
    "@daily",
    "@hourly",
];

/// What a field is called, and what can stand in it.
const FIELDS: [(&str, &str); 6] = [
    ("second", "0 to 59"),
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of the month", "1 to 31, or L for the last"),
    ("month", "1 to 12, or JAN to DEC"),
    ("weekday", "0 to 7, or SUN to SAT"),
];

/// Why `parser` does not take `text`.
pub(super) fn wrong(parser: CronParser, text: &str) -> String {
    let text = text.trim();
    if text.is_empty() {
        return "it is empty".to_owned();
    }
    if text.starts_with('@') {
        return format!("the names are {}", NAMES.join(", "));
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    let Some(known) = FIELDS
        .len()
        .checked_sub(fields.len())
        .filter(|left| *left < 2)
    else {
        return format!("it has {}, not five", counted(fields.len()));
    };
    let alone = |nth: usize, field: &str| {
        let mut others = ["*"; FIELDS.len()];
        others[nth] = field;
        parser.parse(&others.join(" ")).is_ok()
    };
    let mut named = FIELDS.iter().enumerate().skip(known).zip(&fields);
    let wrong = named.find(|((nth, _), field)| !alone(*nth, field));
    match wrong {
        Some(((_, (name, range)), field)) => format!(
            "the {name} is \"{}\", and can be {range}, *, or a list, range or step of them",
            field.escape_debug()
        ),
        None => "its fields do not go together".to_owned(),
    }
}

fn counted(fields: usize) -> String {
    match fields {
        1 => "one field".to_owned(),
        more => format!("{more} fields"),
    }
}
