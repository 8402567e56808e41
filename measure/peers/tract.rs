//! Runs a model by tract as often as each line of input says.

mod ports;

use tract_onnx::prelude::*;

fn dtype(name: &str) -> DatumType {
    match name {
        "bool" => DatumType::Bool,
        "<f4" => DatumType::F32,
        "<f8" => DatumType::F64,
        "<f2" => DatumType::F16,
        "<i1" => DatumType::I8,
        "<i2" => DatumType::I16,
        "<i4" => DatumType::I32,
        "<i8" => DatumType::I64,
        "<u1" => DatumType::U8,
        "<u2" => DatumType::U16,
        "<u4" => DatumType::U32,
        "<u8" => DatumType::U64,
        other => panic!("{other} is no type"),
    }
}

fn main() -> TractResult<()> {
    let (path, ports) = ports::arguments();
    let mut model = tract_onnx::onnx().model_for_path(path)?;
    let names: Vec<String> = model.input_outlets()?.iter().map(|o| model.node(o.node).name.clone()).collect();
    let mut inputs: TVec<TValue> = tvec!();
    for (i, name) in names.iter().enumerate() {
        let port = ports.iter().find(|p| p.name == *name).expect("the input is given");
        model = model.with_input_fact(i, InferenceFact::dt_shape(dtype(&port.dtype), &port.shape))?;
        // SAFETY: the bytes are elements of that type, and so many.
        inputs.push(unsafe { Tensor::from_raw_dt(dtype(&port.dtype), &port.shape, &port.bytes)? }.into_tvalue());
    }
    let plan = model.into_optimized()?.into_runnable()?;
    plan.run(inputs.clone())?;
    ports::serve(|| drop(std::hint::black_box(plan.run(inputs.clone()))));
    Ok(())
}
