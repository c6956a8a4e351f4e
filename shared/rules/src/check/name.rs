//! Names of properties and of items.

use super::Check;
use crate::ast::Located;
use crate::choices::PropertyCase;
use crate::diagnostic::Diagnostic;
use crate::facts::Plan;
use crate::property::{Kind, Object, Property, advice};

/// Whether a name can only stand inside a quantifier.
pub(super) fn is_item(name: &str) -> bool {
    let object = name.split('.').next().unwrap_or_default();
    name == "_" || object.eq_ignore_ascii_case("assignedPlan") || object.eq_ignore_ascii_case("group")
}

impl Check<'_> {
    /// The property of that name; faults are reported.
    pub(super) fn resolve(&mut self, written: &Located<String>) -> Option<Property> {
        let name = &written.node;
        let (object, own) = name.split_once('.').unwrap_or(("", name));
        let object = match object.to_ascii_lowercase().as_str() {
            "user" => Object::User,
            "device" => Object::Device,
            _ => {
                let fault = self.not_a_property(written, object, own);
                self.faults.push(fault);
                return None;
            }
        };
        let property = Property::named(object, own, self.settings.dialect);
        self.about(object, written);
        let Some(property) = property else {
            let help = advice(object, own, self.settings.dialect);
            let message = format!("`{object}.{own}` is not a property that a rule can use");
            self.fault(&written.span, message, help.as_deref());
            return None;
        };
        if self.settings.choices.property_case == PropertyCase::AsDocumented && property.to_string() != *name {
            let fault = Diagnostic::new(written.span.clone(), format!("`{name}` is spelled in another case"));
            self.faults.push(fault.help(format!("write `{property}`")));
        }
        self.extended |= property.is_extended();
        Some(property)
    }

    fn not_a_property(&self, written: &Located<String>, object: &str, own: &str) -> Diagnostic {
        let name = &written.node;
        let fault = |message: String| Diagnostic::new(written.span.clone(), message);
        if is_item(name) {
            return fault(format!("`{name}` stands only inside `-any (…)` or `-all (…)`"));
        }
        let known = |object| Property::named(object, own, self.settings.dialect).is_some();
        if object.is_empty() && (known(Object::User) || known(Object::Device)) {
            let whose = if known(Object::User) { Object::User } else { Object::Device };
            return fault(format!("`{own}` does not say whose it is")).help(format!("write `{whose}.{own}`"));
        }
        fault(format!("`{name}` is not a property")).help("a property begins with `user.`, as in `user.department`")
    }

    /// A rule is about users or about devices, not both; devices only where they are asked for.
    fn about(&mut self, object: Object, written: &Located<String>) {
        match &self.object {
            None => {
                self.object = Some((object, written.span.clone()));
                if object == Object::Device && !self.settings.devices {
                    self.fault(&written.span, "a rule about devices selects no people", None);
                }
            }
            Some((first, _)) if *first != object => {
                let message =
                    format!("a rule is about users or about devices, not both: this one began with `{first}.`");
                self.fault(&written.span, message, None);
            }
            Some(_) => {}
        }
    }

    /// The field of an item that is meant: its place and its documented name.
    pub(super) fn field(&mut self, kind: Kind, written: &Located<String>) -> Option<(usize, String)> {
        let name = &written.node;
        let (object, own) = name.split_once('.').unwrap_or((name, ""));
        let found = match kind {
            Kind::Plans if object.eq_ignore_ascii_case("assignedPlan") => Plan::FIELDS
                .iter()
                .position(|known| known.eq_ignore_ascii_case(own))
                .map(|place| (place, format!("assignedPlan.{}", Plan::FIELDS.get(place).copied().unwrap_or_default()))),
            Kind::Groups if name.eq_ignore_ascii_case("group.objectId") => Some((0, "group.objectId".to_owned())),
            Kind::Texts if name == "_" => Some((0, "_".to_owned())),
            _ => None,
        };
        if found.is_none() {
            let help = match kind {
                Kind::Plans => {
                    "a service plan has `assignedPlan.servicePlanId`, `assignedPlan.service` and `assignedPlan.capabilityStatus`"
                }
                Kind::Groups => "a group has `group.objectId`",
                _ => "a value of the collection is written `_`",
            };
            let fault = Diagnostic::new(
                written.span.clone(),
                format!("`{name}` is nothing that the items of this collection have"),
            );
            self.faults.push(fault.help(help));
        }
        found
    }
}
