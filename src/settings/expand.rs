//! Variables of the environment in texts.

/// Fills in `${NAME}`, `${NAME:-default}` and `$$`. A dollar before anything else than a name is one (`failed$`). The error
/// is the variable that is not set, or what looks like one without its braces.
pub(super) fn expand(
    raw: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<String, String> {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((inside, after)) = after
            .strip_prefix('{')
            .and_then(|after| after.split_once('}'))
        {
            let (name, default) = inside
                .split_once(":-")
                .map_or((inside, None), |(name, default)| (name, Some(default)));
            let value = variable(name).filter(|value| default.is_none() || !value.is_empty());
            out.push_str(
                &value
                    .or(default.map(str::to_owned))
                    .ok_or_else(|| name.to_owned())?,
            );
            rest = after;
        } else {
            let letters = after.chars();
            let name: String = letters
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            let is_name = name.starts_with(|c: char| !c.is_ascii_digit());
            if is_name || after.starts_with('{') {
                return Err(name);
            }
            out.push('$');
            rest = after;
        }
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in_and_a_dollar_is_two() {
        let variable = |name: &str| (name == "HOST").then(|| "db".to_owned());
        assert_eq!(
            expand("postgres://${HOST}/${DB:-app}?a=$$1", &variable).as_deref(),
            Ok("postgres://db/app?a=$1")
        );
        assert_eq!(expand("${MISSING}", &variable), Err("MISSING".to_owned()));
        assert_eq!(expand("$HOST", &variable), Err("HOST".to_owned()));
        assert_eq!(expand("${HOST", &variable), Err(String::new()));
    }

    #[test]
    fn a_dollar_before_no_name_is_one() {
        for text in ["failed$", "^a$|^b$", "5 $ or $1", "$.status"] {
            assert_eq!(expand(text, &|_| None).as_deref(), Ok(text));
        }
    }
}
