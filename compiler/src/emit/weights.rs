//! The blob of weights, and the typed static that it becomes.
//!
//! Layout: a header of 16 bytes (magic, format version, number of bytes), then the constants of each step in the order of its
//! arguments, each at a multiple of 16 bytes, the whole a multiple of 64. Gaps are fields of their own, so that no structure has padding.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

use super::Package;
use super::names::Names;
use super::words::in_doc;
use crate::program::{Program, rust_type};

/// First bytes of every blob.
pub(crate) const MAGIC: [u8; 4] = *b"ZANT";
/// Version of this layout.
const FORMAT: u32 = 2;
/// Alignment of each constant in bytes.
const FIELD_ALIGN: usize = 16;
/// Alignment of the whole: a cache line.
const BLOB_ALIGN: usize = 64;
/// FNV-1a of 64 bits (Fowler, Noll, Vo): what a hash starts from, and its factor.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// The blob and the structure over it.
pub(super) struct Weights {
    /// The bytes of `weights.bin`.
    pub(super) blob: Vec<u8>,
    /// The fields of the whole: one for each step that has constants.
    fields: Vec<TokenStream>,
    /// The structures of the steps.
    groups: Vec<TokenStream>,
    /// There is no constant that anything reads.
    unused: bool,
}

impl Weights {
    pub(super) fn new(program: &Program, names: &Names) -> Weights {
        let mut blob = [&MAGIC[..], &FORMAT.to_le_bytes(), &[0; 8]].concat();
        let (mut fields, mut groups) = (Vec::new(), Vec::new());
        for group in &names.groups {
            let mut parts = Vec::new();
            for &at in group.weights.iter().filter(|at| !names.elsewhere.contains_key(at)) {
                let (w, field) = (&program.weights[at], format_ident!("{}", names.weights[at][1]));
                let (element, len) = (rust_type(w.data.dtype()), Literal::usize_unsuffixed(w.data.len()));
                let doc = format!(" {}: {}.", in_doc(&w.name), w.data.ty());
                parts.push(quote!(#[doc = #doc] pub(crate) #field: [#element; #len]));
                blob.extend_from_slice(w.data.data());
                parts.extend(pad(&mut blob, FIELD_ALIGN, &format!("_gap_{field}")));
            }
            if parts.is_empty() {
                // Another model has all of them.
                continue;
            }
            let (field, ty) = (format_ident!("{}", group.field), format_ident!("{}", group.ty));
            let doc = format!(" The constants of `{field}`.");
            groups.push(quote!(#[doc = #doc] #[repr(C)] pub(crate) struct #ty { #(#parts),* }));
            fields.push(quote!(pub(crate) #field: #ty));
        }
        fields.extend(pad(&mut blob, BLOB_ALIGN, "_end"));
        let total = blob.len() as u64;
        blob[8..16].copy_from_slice(&total.to_le_bytes());
        let here = program.weights.iter().enumerate().filter(|(at, _)| !names.elsewhere.contains_key(at));
        let unused = here.map(|(_, w)| w.data.data().len()).sum::<usize>() == 0;
        Weights { blob, fields, groups, unused }
    }

    /// The module; `path` is that of the blob, from the module's file; `section` is where the linker shall put the constants.
    pub(super) fn source(&self, path: &str, section: Option<&str>) -> String {
        let (fields, groups, total) = (&self.fields, &self.groups, Literal::usize_unsuffixed(self.blob.len()));
        let (magic, version) = (Literal::byte_string(&MAGIC), Literal::u8_unsuffixed(FORMAT as u8));
        // A model without constants keeps the blob, so that every crate has the same files.
        let unused = self.unused.then(|| quote!(#[allow(dead_code)]));
        let unused_groups = groups.iter().map(|_| &unused);
        let section = section.map(|name| quote!(#[unsafe(link_section = #name)]));
        let tokens = quote! {
            /// All constants of the model, in the layouts of its kernels.
            #unused
            #[repr(C, align(64))]
            pub(crate) struct Weights {
                /// Magic, format version, number of bytes.
                _header: [u8; 16],
                #(#fields,)*
            }

            #(#unused_groups #groups)*

            /// The bytes of `weights.bin`; the type checks their number.
            const BYTES: &[u8; #total] = include_bytes!(#path);

            const _: () = {
                let magic = #magic;
                let mut i = 0;
                while i < magic.len() {
                    assert!(BYTES[i] == magic[i], "weights.bin is not a file of weights");
                    i += 1;
                }
                assert!(BYTES[4] == #version, "weights.bin has another format version");
            };

            /// The constants, which are read in place.
            // SAFETY: `Weights` is `repr(C)`, and so are its fields; it consists of numbers without padding (gaps are fields), and has the size of the
            // blob, which `transmute` checks; every bit pattern is a value.
            #unused
            #section
            pub(crate) static WEIGHTS: Weights = unsafe { core::mem::transmute::<[u8; #total], Weights>(*BYTES) };
        };
        let text = super::pieces::spaced(&super::pieces::format(tokens));
        // Formatting drops comments that are not documentation: the reason stands where it is looked for.
        let reason = "// SAFETY: `Weights` is `repr(C)`, consists of numbers without padding (gaps are fields), and has the size\n\
                      // of the blob, which `transmute` checks; every bit pattern is a value.\n";
        let text = text.replacen("pub(crate) static WEIGHTS", &format!("{reason}pub(crate) static WEIGHTS"), 1);
        format!("//! The constants of the model: one file, as one typed static.\n\n{text}")
    }
}

/// Adds `tests/weights.rs`, which hashes all of `weights.bin`: what the compiler of the crate checks is its beginning and length.
pub(super) fn add_test(package: &mut Package, blob: &[u8]) {
    let hash = blob.iter().fold(FNV_OFFSET, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME));
    let text = format!(
        "//! `weights.bin` is what zantc wrote: its hash, FNV-1a of 64 bits.\n\n#[test]\nfn the_weights_are_those_of_the_model() {{\n    \
         let bytes = include_bytes!(\"../weights.bin\");\n    \
         let add = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul({FNV_PRIME:#x});\n    \
         assert_eq!(bytes.iter().fold({FNV_OFFSET:#x}, add), {hash:#018x}, \"weights.bin was changed\");\n}}\n"
    );
    package.text("tests/weights.rs", text);
}

/// Fills up to a multiple of `align`; the field for the gap.
fn pad(blob: &mut Vec<u8>, align: usize, name: &str) -> Option<TokenStream> {
    let gap = blob.len().next_multiple_of(align) - blob.len();
    let (field, len) = (format_ident!("{name}"), Literal::usize_unsuffixed(gap));
    blob.resize(blob.len() + gap, 0);
    (gap > 0).then(|| quote!(#field: [u8; #len]))
}
