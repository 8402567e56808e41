//! Views of an arena. The whole file runs under Miri.

use zant_runtime::arena::{
    ALIGN, Arena, ArenaError, Block, Buffer, Read, Truths, Write, as_bool_array, as_bools, bools_as_bytes,
};
use zant_runtime::once::{Once, Place, Taken};

type Input = Buffer<f32, 0, 4>;
type Output = Buffer<i64, 16, 2>;
type Bytes = Buffer<u8, 33, 3>;
type Wide = Buffer<f64, 40, 3>;
/// The same bytes as `Input`.
type InputBits = Buffer<u32, 0, 4>;
type Empty = Buffer<f64, 64, 0>;

#[test]
fn a_new_arena_is_zero_and_aligned() {
    let mut arena = Arena::<100>::new();
    assert!(arena.bytes_mut().iter().all(|byte| *byte == 0));
    assert_eq!(arena.bytes_mut().as_ptr().addr() % ALIGN, 0);
    assert_eq!(*arena.get::<Input>(), [0.0; 4]);
}

#[test]
fn views_are_disjoint_and_keep_their_values() {
    let mut arena = Arena::<64>::default();
    arena.get_mut::<Input>().copy_from_slice(&[1.0, -2.0, 3.0, 4.0]);
    let (input, output, bytes, wide) = arena.views::<(Read<Input>, Write<Output>, Write<Bytes>, Write<Wide>)>();
    output[0] = input[1] as i64;
    output[1] = i64::MIN;
    bytes.fill(0xff);
    wide.fill(0.5);
    bytes[1] = output[1].to_be_bytes()[0];
    output[1] += input.len() as i64;
    let (again, bits) = arena.views::<(Read<Input>, Read<InputBits>)>();
    assert_eq!(again.map(f32::to_bits), *bits);
    assert_eq!(*arena.get::<Input>(), [1.0, -2.0, 3.0, 4.0]);
    assert_eq!(*arena.get::<Output>(), [-2, i64::MIN + 4]);
    assert_eq!(*arena.get::<Bytes>(), [0xff, 0x80, 0xff]);
    assert_eq!(*arena.get::<Wide>(), [0.5; 3]);
    assert_eq!(arena.get::<Empty>().len(), 0);
    assert_eq!(arena.bytes_mut()[32], 0, "the byte between two buffers");
}

#[test]
fn results_may_share_their_bytes() {
    struct Bools;
    impl Truths for Bools {
        const RANGES: &'static [(usize, usize)] = &[(33, 36), (34, 36), (64, 64)];
    }
    let mut arena = Arena::<64>::new();
    arena.get_mut::<Bytes>().copy_from_slice(&[0, 1, 7]);
    arena.get_mut::<Input>().fill(0.5);
    let results = arena.results::<Bools>();
    let (all, again, last) =
        (results.bools::<Bytes, 0>(), results.bools::<Bytes, 0>(), results.bools::<Buffer<u8, 34, 2>, 1>());
    assert_eq!((*all, *again, *last), ([false, true, true], [false, true, true], [true, true]));
    assert_eq!((*results.get::<Bytes>(), *results.get::<Input>()), ([0, 1, 1], [0.5; 4]));
    assert_eq!(results.bools::<Buffer<u8, 64, 0>, 2>().len(), 0);
}

#[test]
fn twelve_views_at_once() {
    let mut arena = Arena::<12>::new();
    let (a, b, c, d, e, f, g, h, i, j, k, l) = arena.views::<(
        Write<Buffer<u8, 0, 1>>,
        Write<Buffer<u8, 1, 1>>,
        Write<Buffer<u8, 2, 1>>,
        Write<Buffer<u8, 3, 1>>,
        Write<Buffer<u8, 4, 1>>,
        Write<Buffer<u8, 5, 1>>,
        Write<Buffer<u8, 6, 1>>,
        Write<Buffer<u8, 7, 1>>,
        Write<Buffer<u8, 8, 1>>,
        Write<Buffer<u8, 9, 1>>,
        Write<Buffer<u8, 10, 1>>,
        Write<Buffer<u8, 11, 1>>,
    )>();
    for (n, view) in [a, b, c, d, e, f, g, h, i, j, k, l].into_iter().enumerate() {
        view[0] = n as u8;
    }
    assert_eq!(*arena.bytes_mut(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
}

#[test]
fn a_slice_becomes_an_arena_where_it_is_large_and_aligned() {
    let mut memory = [7_u8; 4 * ALIGN];
    let start = memory.as_ptr().align_offset(ALIGN);
    let aligned = &mut memory[start..];
    let arena = Arena::<{ 2 * ALIGN }>::from_slice(aligned).expect("large and aligned");
    assert_eq!(*arena.get::<Bytes>(), [7; 3]);
    arena.get_mut::<Wide>().fill(1.0);
    assert_eq!(aligned[40..48], 1.0_f64.to_ne_bytes());

    let error = Arena::<{ 2 * ALIGN }>::from_slice(&mut aligned[1..]).err();
    assert_eq!(error, Some(ArenaError::Misaligned));
    let error = Arena::<{ 2 * ALIGN }>::from_slice(&mut aligned[..127]).err();
    assert_eq!(error, Some(ArenaError::TooSmall { needed: 128, given: 127 }));
    assert_eq!(error.expect("an error").to_string(), "the arena needs 128 bytes, the slice has 127");
}

#[test]
fn any_byte_becomes_a_truth_value() {
    let mut bytes = [0, 1, 2, 0xff];
    assert_eq!(as_bools(&mut bytes), [false, true, true, true]);
    assert_eq!(bytes, [0, 1, 1, 1]);
    bytes[0] = 0x80;
    assert_eq!(*as_bool_array(&mut bytes), [true; 4]);
    assert_eq!(bools_as_bytes(&[true, false]), [1, 0]);
    assert_eq!(as_bools(&mut []), [] as [bool; 0]);
}

#[test]
fn blocks_become_an_arena() {
    let mut blocks = vec![Block::ZERO; 3];
    let arena = Arena::<{ 2 * ALIGN }>::from_blocks(&mut blocks);
    assert_eq!(arena.bytes_mut().as_ptr().addr() % ALIGN, 0);
    arena.get_mut::<Wide>().fill(1.0);
    assert_eq!(*Arena::<{ 3 * ALIGN }>::from_blocks(&mut blocks).get::<Wide>(), [1.0; 3]);
}

#[test]
#[should_panic(expected = "too few blocks")]
fn too_few_blocks_are_refused() {
    Arena::<{ 2 * ALIGN }>::from_blocks(&mut [Block::ZERO]);
}

#[test]
fn memory_elsewhere_is_lent_once() {
    static PLACE: Place<[u8; 3]> = Place::new([1, 2, 3]);
    static TAKEN: Taken = Taken::new();
    // SAFETY: nothing else lends this place; its value is there from the start.
    let lend = || unsafe { TAKEN.lend(&PLACE) };
    assert_eq!(lend().map(|value| *value), Some([1, 2, 3]));
    assert!(lend().is_none() && lend().is_none());
    assert_eq!(size_of::<Place<[u8; 3]>>(), 3, "the flag lies elsewhere");
}

#[test]
fn a_static_is_lent_once() {
    static VALUE: Once<[u8; 3]> = Once::new([1, 2, 3]);
    let taken: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| VALUE.take().map(|value| value[0] += 1))).collect();
        threads.into_iter().filter_map(|thread| thread.join().expect("no thread panics")).count()
    });
    assert_eq!(taken, 1);
    assert!(VALUE.take().is_none());
}
