//! Tests over the document corpus run only where there is one; elsewhere they are shown as ignored.

fn main() {
    println!("cargo::rerun-if-env-changed=WARDKEY_CORPUS");
    println!("cargo::rustc-check-cfg=cfg(wardkey_corpus)");
    if std::env::var_os("WARDKEY_CORPUS").is_some() {
        println!("cargo::rustc-cfg=wardkey_corpus");
    }
}
