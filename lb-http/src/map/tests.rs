//! Look-ups against the plain list, and changes.

use lb_core::condition::{Sample, SinglePattern};
use proptest::prelude::*;

use super::{Kind, Map, MapError, Output, Which};

fn find(map: &Map, kind: Kind, key: &Sample<'_>) -> Option<String> {
    let lookup = map.lookup(kind, Output::Str).unwrap();
    lookup.find(key, |value| value.to_string())
}

fn map(keys: &[String]) -> Map {
    let lines: Vec<_> = keys
        .iter()
        .enumerate()
        .map(|(n, key)| format!("{key} {n}"))
        .collect();
    Map::parse("test", lines.join("\n").as_bytes()).unwrap()
}

proptest! {
    #[test]
    fn text_is_found_as_in_the_list(keys in prop::collection::vec("[ab/.]{1,4}", 0..20), text in "[ab/.]{0,8}") {
        let map = map(&keys);
        let sample = Sample::Str(text.as_bytes());
        for kind in [Kind::Str, Kind::End, Kind::Sub, Kind::Dir, Kind::Dom] {
            let matches = |key: &String| SinglePattern::parse(kind.name(), key).unwrap().matches(&sample);
            let expected = keys.iter().position(matches).map(|at| at.to_string());
            prop_assert_eq!(find(&map, kind, &sample), expected, "{:?}", kind);
        }
        let longest = keys.iter().filter(|key| text.starts_with(*key)).map(String::len).max();
        let expected = longest.and_then(|len| keys.iter().position(|key| text.starts_with(key) && key.len() == len));
        prop_assert_eq!(find(&map, Kind::Beg, &sample), expected.map(|at| at.to_string()));
    }

    #[test]
    fn the_smallest_network_is_found(nets in prop::collection::vec((0u32..256, 24u8..=32), 0..20), last in 0u32..256) {
        let keys: Vec<String> = nets.iter().map(|(last, bits)| format!("10.0.0.{last}/{bits}")).collect();
        let map = map(&keys);
        let mask = |bits: u8| !0u32 << (32 - bits);
        let holding = nets.iter().enumerate().filter(|(_, (net, bits))| net & mask(*bits) == last & mask(*bits));
        // Of the same network the first.
        let expected = holding.min_by_key(|(at, (_, bits))| (std::cmp::Reverse(*bits), *at)).map(|(at, _)| at.to_string());
        let ip = format!("10.0.0.{last}").parse().unwrap();
        prop_assert_eq!(find(&map, Kind::Ip, &Sample::Ip(ip)), expected);
    }

    #[test]
    fn no_file_panics(content in prop::collection::vec(any::<u8>(), 0..200), key in ".{0,8}") {
        if let Ok(map) = Map::parse("any", &content) {
            for kind in [Kind::Str, Kind::Beg, Kind::Reg, Kind::Regm, Kind::Int, Kind::Ip, Kind::Dom] {
                for output in [Output::Str, Output::Int, Output::Ip] {
                    if let Ok(lookup) = map.lookup(kind, output) {
                        lookup.find(&Sample::Str(key.as_bytes()), |_| ());
                    }
                }
            }
            map.matching(&key);
        }
    }
}

#[test]
fn a_change_is_whole_or_not_made() {
    let map = Map::parse("m", b"a 1\nb 2\na 3\n").unwrap();
    let numbers = map.lookup(Kind::Str, Output::Int).unwrap();
    let found = |key: &str| {
        numbers
            .find(&Sample::Str(key.as_bytes()), |value| value.to_int())
            .flatten()
    };
    assert_eq!(
        (found("a"), found("b"), found("c")),
        (Some(1), Some(2), None)
    );

    map.add("c", "4").unwrap();
    assert_eq!(found("c"), Some(4));
    let refused = map.extend([("d", "5"), ("e", "five")]);
    assert!(
        matches!(refused, Err(MapError::Wrong { line: None, .. })),
        "{refused:?}"
    );
    assert_eq!((found("d"), map.entries().len()), (None, 4));

    map.set(Which::Key("a"), "7").unwrap();
    assert_eq!(found("a"), Some(7));
    assert!(map.set(Which::Key("a"), "x").is_err());
    assert_eq!(map.set(Which::Key("z"), "1"), Err(MapError::NotFound));
    let first = map.entries()[0].id;
    map.delete(Which::Id(first)).unwrap();
    assert_eq!(
        map.entries()
            .iter()
            .filter(|entry| &*entry.key == "a")
            .count(),
        1
    );
    assert_eq!(map.delete(Which::Id(first)), Err(MapError::NotFound));
    let met = map.matching("b");
    assert_eq!(
        (met.len(), met[0].kind, met[0].output),
        (1, Kind::Str, Output::Int)
    );
    assert_eq!(&*met[0].entry.as_ref().unwrap().value, "2");
    assert_eq!(map.matching("z")[0].entry, None);
    map.clear();
    assert_eq!((found("a"), map.entries().len()), (None, 0));
}

#[test]
fn a_version_is_seen_when_it_is_committed() {
    let map = Map::parse("m", b"a 1\n").unwrap();
    let numbers = map.lookup(Kind::Str, Output::Int).unwrap();
    let found = |key: &str| {
        numbers
            .find(&Sample::Str(key.as_bytes()), |value| value.to_int())
            .flatten()
    };
    assert_eq!(map.prepare(), 1);
    map.extend_version(1, [("b", "2")]).unwrap();
    assert!(map.extend_version(1, [("c", "x")]).is_err());
    assert!(map.extend_version(2, [("c", "3")]).is_err());
    map.extend_version(0, [("d", "4")]).unwrap();
    assert_eq!((found("b"), found("d")), (None, Some(4)));
    assert_eq!(map.versions(), (0, 1, 3));
    assert_eq!(map.entries_of(1).unwrap().len(), 1);
    map.commit(1).unwrap();
    assert_eq!((found("a"), found("b"), found("d")), (None, Some(2), None));
    assert_eq!(map.versions(), (1, 1, 1));
    assert!(map.commit(1).is_err() && map.entries_of(0).is_err());
    map.clear_version(1).unwrap();
    assert_eq!(found("b"), None);
}

#[test]
fn a_version_that_does_not_fit_is_not_lost() {
    let map = Map::parse("m", b"a 1\n").unwrap();
    map.lookup(Kind::Str, Output::Str).unwrap();
    map.prepare();
    map.extend_version(1, [("b", "x")]).unwrap();
    map.lookup(Kind::Str, Output::Int).unwrap();
    assert!(map.commit(1).is_err());
    assert_eq!(map.versions(), (0, 1, 2));
    assert_eq!(map.entries().len(), 1);
    map.clear_version(1).unwrap();
    map.commit(1).unwrap();
    assert_eq!(map.versions(), (1, 1, 0));
}

#[test]
fn a_bad_line_is_named() {
    let map = Map::parse("m", b"# numbers\n1 a\nx b\n").unwrap();
    let error = map.lookup(Kind::Int, Output::Str).unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 3, `x`: not a number or a range of numbers"
    );
    let error = map.lookup(Kind::Str, Output::Ip).unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 2, `a`: the value is not an address"
    );
}
