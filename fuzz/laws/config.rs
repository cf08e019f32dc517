//! Any text is a configuration or has errors to show; what is valid can be printed, read again, and is the
//! same then.

use lb_cli::{
    config::{Config, Source},
    plan::Plan,
};

/// Reads `text`, compiles it, prints it.
///
/// # Panics
///
/// When the law does not hold; returns whether `text` is valid.
pub(crate) fn hold(text: &str) -> bool {
    let printed = read(text).print();
    match Plan::compile_offline(read(text)) {
        Ok(_) => {
            let again = read(&printed);
            let twice = again.print();
            assert!(printed == twice, "printed:\n{printed}\nand again:\n{twice}");
            if let Err(errors) = Plan::compile_offline(again) {
                panic!("printed:\n{printed}\n{errors}");
            }
            true
        }
        Err(errors) => {
            assert!(errors.has_errors());
            assert!(errors.to_string().contains("error"), "{errors}");
            false
        }
    }
}

fn read(text: &str) -> Config {
    let variable = |name: &str| (name == "SET").then(|| "1".to_owned());
    Config::parse_recoverable(vec![Source::new("lb.toml", text)], &variable)
}
