//! Other implementations on the same model and inputs, timed in the same turns.

use std::path::{Path, PathBuf};

use zant_measure::peers::{Job, Peer};
use zant_measure::report::{Metric, Other, Value};
use zant_measure::{Contender, Error};
use zantc::ir::{DType, Tensor};
use zantc::program::Port;
use zantc::targets::HOST;

use super::{Subject, or_missing};

/// An input as other implementations are told of it: `NAME:DTYPE:SHAPE`, the type as numpy names it.
fn port_argument(port: &Port) -> String {
    let shape: Vec<String> = port.ty.shape.iter().map(usize::to_string).collect();
    format!("{}:{}:{}", port.name, dtype(port), shape.join(","))
}

/// The type of an input's elements as numpy names it.
pub(super) fn dtype(port: &Port) -> String {
    let size = port.ty.dtype.size();
    match port.ty.dtype {
        DType::Bool => "bool".to_string(),
        float if float.is_float() => format!("<f{size}"),
        unsigned if unsigned.name().starts_with('u') => format!("<u{size}"),
        _ => format!("<i{size}"),
    }
}

/// What other implementations need to know.
#[derive(Clone, Debug)]
pub(super) struct Inputs {
    pub(super) ports: Vec<Port>,
    pub(super) values: Vec<Tensor>,
}

/// One that is timed, or why it is not.
pub(super) struct Timed {
    pub(super) peer: &'static Peer,
    pub(super) contender: Result<Contender, Error>,
}

impl Timed {
    /// What its samples say.
    pub(super) fn value(&self) -> (Metric, Value) {
        let spread = self
            .contender
            .as_ref()
            .map_err(Clone::clone)
            .and_then(|c| c.spread().map(Value::Times).ok_or_else(|| Error::Run("there are no samples".into())));
        (self.peer.metric, or_missing(spread))
    }

    /// What it takes besides time: the memory of its process, and its files.
    pub(super) fn takes(self, model: &str) -> Option<Other> {
        let contender = self.contender.ok()?;
        let time = contender.spread().map(|s| s.median);
        let ram = contender.into_process().peak_rss();
        let (flash, title) = (self.peer.bytes(), self.peer.metric.definition().title);
        let source = "measured in the same run: the process's peak RSS, and the bytes of its library or program".into();
        let (model, name, target) = (model.into(), title.into(), HOST.name.into());
        ram.or(flash).map(|_| Other { model, name, target, instructions: None, time, ram, flash, source })
    }
}

/// Starts implementations on a model. The folder of their inputs must live as long as they do.
pub(super) fn start(
    peers: &[&'static Peer],
    subject: &Subject<'_>,
    inputs: &Inputs,
    folder: &Path,
    observe: &mut dyn FnMut(&str, &str),
) -> Vec<Timed> {
    let ports: Vec<String> = inputs.ports.iter().map(port_argument).collect();
    let tflite = tflite(subject);
    let job = Job { model: subject.path, tflite: tflite.as_deref(), folder, ports: &ports };
    let written = inputs.values.iter().enumerate().try_for_each(|(i, value)| {
        let path = folder.join(format!("input_{i}.bin"));
        std::fs::write(path, value.data()).map_err(|e| Error::Io(format!("cannot write an input: {e}")))
    });
    let start = |&peer: &&'static Peer| {
        observe("Starting", &format!("{} by {}", subject.name, peer.metric.definition().title));
        let contender = written.clone().and_then(|()| peer.start(&job)).and_then(Contender::new);
        Timed { peer, contender }
    };
    peers.iter().map(start).collect()
}

/// The model in LiteRT's format: beside the model, or in a folder `tflite` beside the model's own.
pub(super) fn tflite(subject: &Subject<'_>) -> Option<PathBuf> {
    let parent = subject.path.parent()?;
    let absolute = std::path::absolute(subject.path).ok()?;
    let folder = absolute.parent()?;
    let names = [Some(subject.name), folder.file_name().and_then(|f| f.to_str())];
    let mut files = names.into_iter().flatten().flat_map(|name| {
        let file = format!("{name}.tflite");
        [parent.join(&file), folder.with_file_name("tflite").join(&file)]
    });
    files.find(|f| f.is_file())
}

#[cfg(test)]
mod tests {
    use zantc::ir::{DType, Type};
    use zantc::program::{BufferId, Port, View};

    use super::port_argument;

    #[test]
    fn inputs_are_named_as_numpy_does() {
        let port = |dtype, shape: &[usize]| Port {
            name: "a:b".into(),
            ty: Type::new(dtype, shape),
            view: View { buffer: BufferId(0), offset: 0, len: 0 },
        };
        assert_eq!(port_argument(&port(DType::F32, &[1, 28])), "a:b:<f4:1,28");
        assert_eq!(port_argument(&port(DType::U8, &[])), "a:b:<u1:");
        assert_eq!(port_argument(&port(DType::I64, &[3])), "a:b:<i8:3");
        assert_eq!(port_argument(&port(DType::Bool, &[3])), "a:b:bool:3");
    }
}
