//! Looking into a compiled condition: is it no more than a comparison for equality?
//!
//! Whoever has a long list of such conditions on one sample can look the sample up instead of trying each.

use super::{Alternative, Condition, Term, Test};

/// A condition that holds exactly where a sample of one fetch is one of some texts: `{ hdr(host) -i a.example }`, or an
/// acl that is only that.
#[derive(Debug)]
pub struct Equality<'c, F> {
    /// The fetch with its converters, as written.
    pub name: &'c str,
    /// The same, compiled.
    pub fetch: &'c F,
    /// The texts, and whether the case of letters is ignored.
    pub texts: Vec<(&'c [u8], bool)>,
}

impl<F> Condition<F> {
    /// The comparison that this condition is, if it is one: no `unless`, nothing negated, nothing that must hold
    /// besides.
    #[must_use]
    pub fn as_equality(&self) -> Option<Equality<'_, F>> {
        if self.inner.unless {
            return None;
        }
        let mut found: Option<Equality<'_, F>> = None;
        for group in &self.inner.groups {
            let [
                Term {
                    negated: false,
                    acl,
                    ..
                },
            ] = &**group
            else {
                return None;
            };
            for alternative in acl.iter() {
                let more = match alternative {
                    Alternative::Test(test) => test.as_equality()?,
                    Alternative::Condition(condition) => condition.as_equality()?,
                };
                match &mut found {
                    None => found = Some(more),
                    Some(equality) if equality.name == more.name => {
                        equality.texts.extend(more.texts);
                    }
                    Some(_) => return None,
                }
            }
        }
        found
    }
}

impl<F> Test<F> {
    fn as_equality(&self) -> Option<Equality<'_, F>> {
        let name = self.text.split_whitespace().next()?;
        // A quoted blank would hide what follows it.
        if name.contains(['"', '\'', '\\']) {
            return None;
        }
        Some(Equality {
            name,
            fetch: &self.fetch,
            texts: self.matcher.equal_texts()?,
        })
    }
}
