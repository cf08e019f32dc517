//! Hashes, for spreading and for checking.

use hmac::{Hmac, KeyInit as _, Mac as _};
use lb_core::{
    condition::{Call, ConditionError, Sample, SampleType},
    hash::{avalanche, djb2, sdbm},
};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use twox_hash::{XxHash3_64, XxHash32, XxHash64};

use super::{Converter, Work, required, wrong};

pub(super) const NAMES: &[&str] = &[
    "crc32", "crc32c", "digest", "djb2", "hmac", "sdbm", "sha1", "sha2", "xxh3", "xxh32", "xxh64",
];

pub(super) fn resolve(call: &Call) -> Option<Result<Converter, ConditionError>> {
    Some(match call.name.as_str() {
        "crc32" => spread(call, crc32fast::hash),
        "crc32c" => spread(call, crc32c),
        "djb2" => spread(call, djb2),
        "sdbm" => spread(call, sdbm),
        "xxh32" => seeded(call, |bytes, seed| {
            i64::from(XxHash32::oneshot(seed as u32, bytes))
        }),
        "xxh64" => seeded(call, |bytes, seed| {
            XxHash64::oneshot(seed as u64, bytes) as i64
        }),
        "xxh3" => seeded(call, |bytes, seed| {
            XxHash3_64::oneshot_with_seed(seed as u64, bytes) as i64
        }),
        "sha1" => call.at_most(0).map(|()| digest::<Sha1>()),
        "sha2" => call.at_most(1).and_then(|()| match call.integer(0)? {
            Some(224) => Ok(digest::<Sha224>()),
            None | Some(256) => Ok(digest::<Sha256>()),
            Some(384) => Ok(digest::<Sha384>()),
            Some(512) => Ok(digest::<Sha512>()),
            Some(_) => Err(wrong(call, 0, "this is 224, 256, 384 or 512")),
        }),
        "digest" => call.at_most(1).and_then(|()| {
            Ok(match Function::read(call)? {
                Function::Md5 => digest::<Md5>(),
                Function::Sha1 => digest::<Sha1>(),
                Function::Sha224 => digest::<Sha224>(),
                Function::Sha256 => digest::<Sha256>(),
                Function::Sha384 => digest::<Sha384>(),
                Function::Sha512 => digest::<Sha512>(),
            })
        }),
        "hmac" => keyed(call),
        _ => return None,
    })
}

/// A function of 32 bits; with the argument 1 its bits are mixed once more.
fn spread(call: &Call, f: fn(&[u8]) -> u32) -> Result<Converter, ConditionError> {
    call.at_most(1)?;
    let mix = call.integer(0)?.is_some_and(|n| n != 0);
    Ok(Converter::new(
        SampleType::Bin,
        SampleType::Int,
        move |work, _| {
            let hash = f(&work.text);
            let hash = if mix { avalanche(hash) } else { hash };
            work.set(Sample::Int(hash.into()))
        },
    ))
}

fn seeded(call: &Call, f: fn(&[u8], i64) -> i64) -> Result<Converter, ConditionError> {
    call.at_most(1)?;
    let seed = call.integer(0)?.unwrap_or(0);
    Ok(Converter::new(
        SampleType::Bin,
        SampleType::Int,
        move |work, _| {
            let hash = f(&work.text, seed);
            work.set(Sample::Int(hash))
        },
    ))
}

fn digest<D: Digest>() -> Converter {
    Converter::new(SampleType::Bin, SampleType::Bin, |work, _| {
        let digest = D::digest(&work.text);
        work.set(Sample::Bin(&digest))
    })
}

/// A function of `digest` and `hmac`, by OpenSSL's name.
enum Function {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Function {
    fn read(call: &Call) -> Result<Self, ConditionError> {
        let name = required(call, 0, "the name of a function")?;
        Ok(match name.to_ascii_lowercase().as_str() {
            "md5" => Self::Md5,
            "sha1" => Self::Sha1,
            "sha224" => Self::Sha224,
            "sha256" => Self::Sha256,
            "sha384" => Self::Sha384,
            "sha512" => Self::Sha512,
            _ => {
                return Err(wrong(
                    call,
                    0,
                    "this is md5, sha1, sha224, sha256, sha384 or sha512",
                ));
            }
        })
    }
}

/// `hmac(FUNCTION,KEY)`; the key is in base64.
fn keyed(call: &Call) -> Result<Converter, ConditionError> {
    use base64::Engine as _;

    call.at_most(2)?;
    let function = Function::read(call)?;
    let key = required(call, 1, "a key, in base64")?;
    let key = base64::engine::general_purpose::STANDARD
        .decode(key)
        .map_err(|error| wrong(call, 1, format!("the key is base64: {error}")))?;
    Ok(Converter::new(
        SampleType::Bin,
        SampleType::Bin,
        move |work, _| match function {
            Function::Md5 => sign!(Md5, &key, work),
            Function::Sha1 => sign!(Sha1, &key, work),
            Function::Sha224 => sign!(Sha224, &key, work),
            Function::Sha256 => sign!(Sha256, &key, work),
            Function::Sha384 => sign!(Sha384, &key, work),
            Function::Sha512 => sign!(Sha512, &key, work),
        },
    ))
}

macro_rules! sign {
    ($digest:ty, $key:expr, $work:expr) => {{
        let work: &mut Work = $work;
        let mut mac = Hmac::<$digest>::new_from_slice($key).expect("HMAC takes keys of any length");
        mac.update(&work.text);
        work.set(Sample::Bin(&mac.finalize().into_bytes()))
    }};
}
use sign;

/// CRC-32C (Castagnoli), a bit at a time: what is hashed here is short.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg())
        })
    })
}
