//! Operators of `com.microsoft` as ONNX Runtime's optimised files have them: each is composed of what the operators are that it was
//! fused from.

mod attention;
mod embed;
mod fused;
mod grouped;
mod norm;
mod products;
mod rotary;

use crate::import::node::NodeCx;
use crate::import::registry::{OpEntry, contributed, limited};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[
    contributed("Attention", attention::packed, "without `do_rotary`; masks of rank 1 to 3"),
    contributed("BiasGelu", fused::bias_gelu, ""),
    contributed("DynamicQuantizeMatMul", products::dynamic_quantize_matmul, ""),
    contributed("EmbedLayerNormalization", embed::layer_norm, ""),
    contributed("FastGelu", fused::fast_gelu, ""),
    contributed("FusedConv", fused::conv, "one and two spatial dimensions"),
    contributed("FusedGemm", fused::gemm, ""),
    contributed("FusedMatMul", fused::matmul, ""),
    contributed("Gelu", fused::gelu, ""),
    contributed(
        "GroupQueryAttention",
        grouped::attention,
        "without smooth softmax, attention sinks and quantized caches; `total_sequence_length` is constant, or a cache is there",
    ),
    contributed("MatMulIntegerToFloat", products::matmul_integer_to_float, ""),
    contributed("MultiHeadAttention", attention::multi_head, "masks of rank 1 to 3"),
    contributed("RotaryEmbedding", rotary::rotary, "without packed batches"),
    limited("SimplifiedLayerNormalization", simplified, "without `inv_std_var`"),
    contributed("SimplifiedLayerNormalization", simplified, "without `inv_std_var`"),
    contributed("SkipLayerNormalization", |cx| norm::skip(cx, true), "without mean and deviation as results"),
    contributed("SkipSimplifiedLayerNormalization", |cx| norm::skip(cx, false), "without the deviation as a result"),
];

fn simplified(cx: &mut NodeCx<'_>) -> crate::import::node::Imported {
    let (x, scale) = (cx.input(0)?, cx.input(1)?);
    let axis = cx.axis(cx.int("axis", -1)?, cx.rank(x))?;
    norm::rows(cx, x, axis, 1e-5, (false, scale, None))
}
