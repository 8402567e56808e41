// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The vector operations of plain Rust, for instruction sets without vectors of `f32`.

/// Implements the operations of [`Isa`](super::isa::Isa) by [`Portable`](super::portable::Portable) with the numerics
/// `$n`.
macro_rules! as_portable {
    ($n:ty) => {
        as_portable! { $n;
            splat(x: f32) -> Self::V;
            load(x: &[f32; LANES]) -> Self::V;
            store(v: Self::V, y: &mut [f32; LANES]);
            load_part(x: &[f32]) -> Self::V;
            store_part(v: Self::V, y: &mut [f32]);
            add(a: Self::V, b: Self::V) -> Self::V;
            sub(a: Self::V, b: Self::V) -> Self::V;
            mul(a: Self::V, b: Self::V) -> Self::V;
            div(a: Self::V, b: Self::V) -> Self::V;
            max(a: Self::V, b: Self::V) -> Self::V;
            min(a: Self::V, b: Self::V) -> Self::V;
            at_least(x: Self::V, lo: Self::V) -> Self::V;
            at_most(x: Self::V, hi: Self::V) -> Self::V;
            mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
            mul_add1(a: f32, b: f32, c: f32) -> f32;
            leaky(x: Self::V, alpha: Self::V) -> Self::V;
            to_array(v: Self::V) -> [f32; LANES];
        }

        type V = [f32; LANES];
    };
    ($n:ty; $($name:ident($($arg:ident: $ty:ty),*) $(-> $out:ty)?;)*) => {$(
        #[inline(always)]
        fn $name(self, $($arg: $ty),*) $(-> $out)? {
            Portable::<$n>::portable().$name($($arg),*)
        }
    )*};
}
pub(crate) use as_portable;
