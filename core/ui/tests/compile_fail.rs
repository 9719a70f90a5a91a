//! What does not compile, and what the compiler says then.

#[test]
fn what_does_not_compile_says_what_to_do() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
