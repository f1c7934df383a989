//! Time zones by their names: from the system's database, which its updates keep current, else from the copy
//! that is built in.

use jiff::tz::{TimeZone, TimeZoneDatabase, TimeZoneName};

use super::accept;

/// Names in a system's database that say nothing of where: what was set on the machine, and what is set on none.
const NO_PLACES: [&str; 4] = ["Etc/Unknown", "Factory", "localtime", "posixrules"];

/// The zone with this name in the IANA database, or the name that was probably meant.
///
/// The system's database is the folder in `TZDIR`, else `/usr/share/zoneinfo` or where else it usually lies. A
/// name that it does not have (Debian keeps the old ones in a package of their own) may be in the copy.
pub(super) fn find(name: &str) -> Result<TimeZone, Option<String>> {
    find_in(
        name,
        &[TimeZoneDatabase::from_env(), TimeZoneDatabase::bundled()],
    )
}

/// The same in these databases; the first that has it says what it is.
fn find_in(name: &str, databases: &[TimeZoneDatabase]) -> Result<TimeZone, Option<String>> {
    // Names are looked up in any case, but what was written is what pages and mails will show.
    let found = databases.iter().find_map(|database| {
        let zone = database.get(name).ok()?;
        (zone.iana_name() == Some(name)).then_some(zone)
    });
    if let Some(zone) = found.filter(|_| !NO_PLACES.contains(&name)) {
        return Ok(zone);
    }
    let known: Vec<_> = databases
        .iter()
        .flat_map(TimeZoneDatabase::available)
        .collect();
    let names = known.iter().map(TimeZoneName::as_str);
    let places = names.filter(|known| !NO_PLACES.contains(known));
    Err(accept::nearest(name, places).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use jiff::Timestamp;
    use jiff::tz::Offset;
    use tempfile::TempDir;

    use super::*;

    /// A system whose zones are these files.
    fn system(files: &[(&str, &[u8])]) -> (TempDir, TimeZoneDatabase) {
        let folder = TempDir::new().unwrap();
        for (name, bytes) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        let database = TimeZoneDatabase::from_dir(folder.path()).unwrap();
        (folder, database)
    }

    /// A zone that is three hours ahead all year (RFC 8536, version 1: one type, no transitions).
    fn three_hours_ahead() -> Vec<u8> {
        let mut file = b"TZif".to_vec();
        file.extend([0; 16]);
        for count in [0_u32, 0, 0, 0, 1, 4] {
            file.extend(count.to_be_bytes());
        }
        file.extend(10_800_i32.to_be_bytes());
        file.extend([0, 0]);
        file.extend(b"+03\0");
        file
    }

    #[test]
    fn the_system_knows_better_than_the_copy() {
        let (_folder, system) = system(&[("Europe/Berlin", &three_hours_ahead())]);
        let zone = find_in("Europe/Berlin", &[system, TimeZoneDatabase::bundled()]).unwrap();
        assert_eq!(zone.to_offset(Timestamp::UNIX_EPOCH), Offset::constant(3));
        assert_eq!(zone.iana_name(), Some("Europe/Berlin"));
        let copy = find_in("Europe/Berlin", &[TimeZoneDatabase::bundled()]).unwrap();
        assert_ne!(zone, copy);
    }

    #[test]
    fn what_the_system_does_not_have_or_cannot_be_read_there_comes_from_the_copy() {
        let (_folder, system) = system(&[("Europe/Berlin", b"TZif, but torn")]);
        let databases = [system, TimeZoneDatabase::bundled()];
        for name in ["Europe/Berlin", "Europe/Paris", "US/Eastern"] {
            let zone = find_in(name, &databases).unwrap();
            assert_eq!(zone.iana_name(), Some(name));
        }
        let none = [TimeZoneDatabase::none(), TimeZoneDatabase::bundled()];
        assert!(find_in("Europe/Berlin", &none).is_ok());
    }

    #[test]
    fn a_name_that_is_not_there_is_answered_with_the_nearest_that_is() {
        let (_folder, system) = system(&[
            ("Mars/Olympus_Mons", &three_hours_ahead()),
            ("localtime", &three_hours_ahead()),
        ]);
        let databases = [system, TimeZoneDatabase::bundled()];
        let nearest = |name| find_in(name, &databases).unwrap_err();
        assert_eq!(
            nearest("mars/olympus_mon").as_deref(),
            Some("Mars/Olympus_Mons")
        );
        assert_eq!(nearest("europe/berln").as_deref(), Some("Europe/Berlin"));
        assert_eq!(nearest("utc").as_deref(), Some("UTC"));
        for name in ["", "../../etc/passwd", "/etc/localtime", "localtime", "\0"] {
            assert_eq!(nearest(name), None, "{name:?}");
        }
        for name in ["Etc/Unknown", "Factory"] {
            assert!(find_in(name, &databases).is_err(), "{name:?}");
        }
    }

    #[test]
    fn utc_needs_no_database() {
        assert_eq!(
            find_in("UTC", &[TimeZoneDatabase::bundled()]),
            Ok(TimeZone::UTC)
        );
        assert_eq!(find("UTC"), Ok(TimeZone::UTC));
    }
}
