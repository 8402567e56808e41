//! `weights.bin` is what zantc wrote: its hash, FNV-1a of 64 bits.

#[test]
fn the_weights_are_those_of_the_model() {
    let bytes = include_bytes!("../weights.bin");
    let add = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100000001b3);
    assert_eq!(bytes.iter().fold(0xcbf29ce484222325, add), 0x8a1195828c0cde95, "weights.bin was changed");
}
