//! Replays the fuzzer's corpus (`fuzz/corpus`) as an ordinary test: a file named `bad-…` is an
//! error, every other one begins with a header that can be written and read again.

use std::fs;
use std::path::Path;

use lb_tcp::proxy_protocol::{Header, Parsed};

#[test]
fn proxy_protocol() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/proxy_protocol");
    let mut files = 0;
    for entry in fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = fs::read(path).unwrap();
        files += 1;
        match Header::parse(&bytes) {
            Err(_) => assert!(name.starts_with("bad-"), "{name} is a header"),
            Ok(Parsed::Incomplete) => panic!("{name}: incomplete"),
            Ok(Parsed::Complete { header, length }) => {
                assert!(!name.starts_with("bad-"), "{name} gave {header:?}");
                for end in 0..length {
                    let prefix = Header::parse(&bytes[..end]);
                    assert_eq!(prefix, Ok(Parsed::Incomplete), "{name} up to {end}");
                }
                let mut again = Vec::new();
                header.encode_v2_with_checksum(&mut again);
                let length = again.len();
                let read = Header::parse(&again);
                assert_eq!(read, Ok(Parsed::Complete { header, length }), "{name}");
            }
        }
    }
    assert!(files >= 15, "only {files} files: is the corpus there?");
}
