//! Passwords and services in files, as libpq reads them.

/// The password for a connection in the text of a password file (PostgreSQL manual, 34.16): lines of
/// `hostname:port:database:username:password`, of which the first that matches counts. `*` matches anything, a
/// backslash makes `:` and `\` ordinary.
pub(super) fn password(text: &str, wanted: [&str; 4]) -> Option<String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(fields).find_map(|fields| {
        let [of @ .., password] = fields.as_slice() else {
            return None;
        };
        let matches = |(field, wanted): (&Option<String>, &str)| {
            field.as_deref().is_none_or(|field| field == wanted)
        };
        let is_it = of.len() == wanted.len() && of.iter().zip(wanted).all(matches);
        // A password may be a star.
        is_it.then(|| password.clone().unwrap_or_else(|| "*".to_owned()))
    })
}

/// The fields of a line; none is a bare star.
fn fields(line: &str) -> Vec<Option<String>> {
    let (mut fields, mut field, mut is_star) = (Vec::new(), String::new(), false);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ':' => {
                let done = std::mem::take(&mut field);
                fields.push((!is_star).then_some(done));
                is_star = false;
                continue;
            }
            '\\' => field.extend(chars.next()),
            c => field.push(c),
        }
        is_star = c == '*' && field == "*";
    }
    fields.push((!is_star).then_some(field));
    fields
}

/// The parameters of a service in the text of a service file (PostgreSQL manual, 34.17): `key=value` lines under
/// `[service]`. None where there is no such service; an error where a line is something else.
pub(super) fn service(
    text: &str,
    name: &str,
) -> Result<Option<Vec<(String, String)>>, &'static str> {
    let mut found = None;
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(section) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            if section.strip_suffix(']') == Some(name) {
                found = Some(Vec::new());
            }
            continue;
        }
        let Some(pairs) = &mut found else { continue };
        let (key, value) = line
            .split_once('=')
            .ok_or("a line of the service is not key=value")?;
        if key == "service" || line.starts_with("ldap") {
            return Err("a service that names another service, or LDAP, is not read");
        }
        pairs.push((key.trim().to_owned(), value.trim().to_owned()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_that_of_the_first_line_that_matches() {
        let text = "# all\nh:5432:d:u:one\n*:*:d:u:t\\:w\\\\o\n\\*:*:*:*:no\nshort:line\n*:*:*:bob:*\n::1\n";
        let of = |host, user| password(text, [host, "5432", "d", user]);
        assert_eq!(of("h", "u").as_deref(), Some("one"));
        assert_eq!(of("other", "u").as_deref(), Some("t:w\\o"));
        assert_eq!(of("other", "bob").as_deref(), Some("*"));
        assert_eq!(of("other", "eve"), None);
    }

    #[test]
    fn a_service_is_the_lines_under_its_name() {
        let text =
            "[a]\nhost=x\n\n# b\n[b]\nhost=h\nport = 6000\n[c]\nhost=y\nnonsense\n[l]\nldap://x\n";
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let b = vec![pair("host", "h"), pair("port", "6000")];
        assert_eq!(service(text, "b"), Ok(Some(b)));
        assert_eq!(service(text, "d"), Ok(None));
        assert!(service(text, "c").is_err());
        assert!(service(text, "l").is_err());
    }
}
