//! What a PostgreSQL says of itself before anything else is asked: its version, its role, and what we may see.

use super::rows::Rows;

/// Asks for [`Server`]. Reads no table, so that no lock on one stands in its way.
pub(super) const QUESTION: &str = "\
    SELECT current_setting('server_version') AS version, \
    current_setting('server_version_num') AS number, \
    pg_is_in_recovery() AS standby, \
    current_user AS role, \
    pg_has_role('pg_read_all_stats', 'USAGE') AS stats, \
    pg_has_role('pg_monitor', 'USAGE') AS monitor";

/// A server, as far as the questions depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    /// As it writes it, without what a distribution adds: `15.18`.
    pub(super) version: String,
    /// As a number to compare: 150018.
    pub(super) number: u32,
    /// The major version.
    pub(super) major: u32,
    pub(super) is_standby: bool,
    /// Who we are there.
    role: String,
    sees_stats: bool,
    monitors: bool,
}

/// What a role must be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    Nothing,
    /// What the sessions of others do.
    Stats,
    /// Also files of the server by name and size.
    Monitor,
    /// Statistics of tables, and where sequences are. It is asked all the same: what is our own is seen.
    Data,
}

impl Server {
    pub(super) fn read(rows: &Rows) -> Option<Self> {
        let row = rows.first()?;
        let number: u32 = row.text("number")?.parse().ok()?;
        Some(Self {
            version: row.text("version")?.split(' ').next()?.to_owned(),
            number,
            major: number / 10_000,
            is_standby: row.is("standby"),
            role: row.text("role")?.to_owned(),
            sees_stats: row.is("stats"),
            monitors: row.is("monitor"),
        })
    }

    /// `primary` or `standby`.
    pub(super) fn word(&self) -> &'static str {
        if self.is_standby {
            "standby"
        } else {
            "primary"
        }
    }

    /// What to run there where we lack it; none where we do not.
    pub(super) fn lacks(&self, needs: Needs) -> Option<String> {
        let has = match needs {
            Needs::Nothing | Needs::Data => true,
            Needs::Stats => self.sees_stats || self.monitors,
            Needs::Monitor => self.monitors,
        };
        (!has).then(|| self.grant("pg_monitor"))
    }

    /// What lets us see what tables and sequences hold, of which others are told only that they are there.
    pub(super) fn grant_of_data(&self) -> String {
        if self.major >= 14 {
            return self.grant("pg_read_all_data");
        }
        // 13 has no such role; a schema has to be said for what is made later, too.
        let tables = self.grant("SELECT ON ALL TABLES IN SCHEMA public");
        let sequences = self.grant("SELECT ON ALL SEQUENCES IN SCHEMA public");
        format!("{tables}; {sequences} (and of other schemas)")
    }

    /// What gives us `what`: a privilege, or membership in a role.
    pub(super) fn grant(&self, what: &str) -> String {
        let quoted = self.role.replace('"', "\"\"");
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if self.role.chars().all(is_plain) {
            format!("GRANT {what} TO {quoted}")
        } else {
            format!("GRANT {what} TO \"{quoted}\"")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(major: u32, role: &str) -> Server {
        Server {
            version: format!("{major}.1"),
            number: major * 10_000 + 1,
            major,
            is_standby: false,
            role: role.to_owned(),
            sees_stats: false,
            monitors: false,
        }
    }

    #[test]
    fn a_grant_can_be_pasted_whatever_the_role_is_called() {
        let grant = |role| server(15, role).lacks(Needs::Monitor).expect("it has none");
        assert_eq!(grant("mon_1"), "GRANT pg_monitor TO mon_1");
        assert_eq!(grant("Mon"), "GRANT pg_monitor TO \"Mon\"");
        assert_eq!(grant("a\"b"), "GRANT pg_monitor TO \"a\"\"b\"");
    }

    #[test]
    fn before_14_every_schema_has_to_be_granted() {
        assert_eq!(
            server(14, "mon").grant_of_data(),
            "GRANT pg_read_all_data TO mon"
        );
        assert_eq!(
            server(13, "mon").grant_of_data(),
            "GRANT SELECT ON ALL TABLES IN SCHEMA public TO mon; \
             GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO mon (and of other schemas)"
        );
    }
}
