//! Rust's targets, and which of ours has the kernels for each: by what the triple says of the processor.

use super::{HOST, PORTABLE, Target, find};

/// The target that fits a Rust target's processor; `None` where there are no kernels but plain Rust for it.
///
/// Cortex-M4 and M7 share a triple and their kernels, as M33 and M55 do: the one with less is given. Where the calling convention
/// has no floating-point registers, kernels may not use them, and products are rounded before they are added, which is cheaper
/// in software.
pub fn of_triple(triple: &str) -> Option<&'static Target> {
    let (arch, rest) = triple.split_once('-')?;
    let hard = rest.ends_with("eabihf");
    let name = match arch {
        "thumbv6m" | "thumbv7m" | "thumbv8m.base" => "cortex-m0",
        "thumbv7em" | "thumbv8m.main" if !hard => "cortex-m0",
        "thumbv7em" => "cortex-m4",
        "thumbv8m.main" => "cortex-m33",
        "wasm32" | "wasm32v1" => "wasm32",
        "aarch64" if !rest.ends_with("softfloat") => "aarch64",
        "x86_64" => "x86-64-v3",
        riscv if riscv.starts_with("riscv32") => "riscv32imc",
        _ => return None,
    };
    find(name)
}

/// What a build script compiles for, as cargo tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Platform {
    /// Where the crate will run: cargo's `TARGET`.
    pub(crate) triple: Option<String>,
    /// Where the build runs: cargo's `HOST`.
    pub(crate) host: Option<String>,
}

impl Platform {
    /// That of the build script that this process is.
    pub(crate) fn of_cargo() -> Platform {
        Platform { triple: std::env::var("TARGET").ok(), host: std::env::var("HOST").ok() }
    }

    /// The target that nobody has to choose; and what is to be said where it is not made for the processor.
    pub(crate) fn target(&self) -> (&'static Target, Option<String>) {
        let Some(triple) = self.triple.as_deref() else { return (HOST, None) };
        if self.host.as_deref() == Some(triple) {
            return (HOST, None);
        }
        match of_triple(triple) {
            Some(target)
                if triple.starts_with("thumb") && triple.ends_with("eabi") && target.triple != Some(triple) =>
            {
                let message = format!(
                    "{triple} passes floats in integer registers: the kernels are plain Rust, as for {}; build for {triple}hf where the core has an FPU",
                    target.name
                );
                (target, has_hard_float(triple).then_some(message))
            }
            Some(target) => (target, None),
            None => {
                let message = format!(
                    "there are no kernels made for {triple}: plain Rust is used (target `{}`); `Config::target` chooses another",
                    PORTABLE.name
                );
                (&PORTABLE, Some(message))
            }
        }
    }
}

/// Whether there is the same triple with floats in their own registers.
fn has_hard_float(triple: &str) -> bool {
    ["thumbv7em", "thumbv8m.main"].iter().any(|arch| triple.starts_with(arch))
}

#[cfg(test)]
mod tests {
    use super::super::TARGETS;
    use super::{Platform, of_triple};

    fn name(triple: &str) -> Option<&'static str> {
        of_triple(triple).map(|t| t.name)
    }

    #[test]
    fn processors_have_their_kernels() {
        for (triple, target) in [
            ("thumbv6m-none-eabi", "cortex-m0"),
            ("thumbv7m-none-eabi", "cortex-m0"),
            ("thumbv7em-none-eabi", "cortex-m0"),
            ("thumbv7em-none-eabihf", "cortex-m4"),
            ("thumbv8m.base-none-eabi", "cortex-m0"),
            ("thumbv8m.main-none-eabi", "cortex-m0"),
            ("thumbv8m.main-none-eabihf", "cortex-m33"),
            ("riscv32i-unknown-none-elf", "riscv32imc"),
            ("riscv32imac-unknown-none-elf", "riscv32imc"),
            ("riscv32imafc-unknown-none-elf", "riscv32imc"),
            ("riscv32imc-esp-espidf", "riscv32imc"),
            ("wasm32-unknown-unknown", "wasm32"),
            ("wasm32-wasip1", "wasm32"),
            ("wasm32v1-none", "wasm32"),
            ("x86_64-pc-windows-msvc", "x86-64-v3"),
            ("x86_64-unknown-linux-musl", "x86-64-v3"),
            ("aarch64-apple-darwin", "aarch64"),
            ("aarch64-unknown-none", "aarch64"),
        ] {
            assert_eq!(name(triple), Some(target), "{triple}");
        }
        for triple in [
            "i686-unknown-linux-gnu",
            "riscv64gc-unknown-linux-gnu",
            "armv7r-none-eabihf",
            "aarch64_be-unknown-linux-gnu",
            "aarch64-unknown-none-softfloat",
            "xtensa-esp32-none-elf",
            "nonsense",
            "",
        ] {
            assert_eq!(name(triple), None, "{triple}");
        }
    }

    #[test]
    fn every_targets_triple_has_the_same_kernels() {
        for target in TARGETS.iter().filter(|t| t.triple.is_some()) {
            let fit = target.triple.and_then(of_triple).unwrap();
            assert_eq!(
                (fit.loops, fit.numerics, fit.align),
                (target.loops, target.numerics, target.align),
                "{}",
                target.name
            );
        }
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let of = |triple: Option<&str>, host: &str| {
            let (target, said) = Platform { triple: triple.map(Into::into), host: Some(host.into()) }.target();
            (target.name, said.unwrap_or_default())
        };
        let host = "x86_64-unknown-linux-gnu";
        assert_eq!(of(Some(host), host), ("host", String::new()));
        assert_eq!(of(None, host), ("host", String::new()));
        assert_eq!(of(Some("thumbv6m-none-eabi"), host), ("cortex-m0", String::new()));
        assert_eq!(of(Some("thumbv7m-none-eabi"), host), ("cortex-m0", String::new()));
        assert_eq!(of(Some(host), "aarch64-apple-darwin"), ("x86-64-v3", String::new()));
        let (target, said) = of(Some("thumbv7em-none-eabi"), host);
        assert!(target == "cortex-m0" && said.contains("build for thumbv7em-none-eabihf"), "{target} {said}");
        let (target, said) = of(Some("riscv64gc-unknown-linux-gnu"), host);
        assert!(target == "portable" && said.contains("no kernels made for riscv64gc"), "{target} {said}");
    }
}
