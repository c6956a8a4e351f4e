//! A policy against its tenant: whether what it names is there and can do what it is to do. Only reads.

use std::collections::{BTreeMap, BTreeSet};

use domain::ids::{ObjectId, SkuId};
use domain::policy::{Fault, Places, Policy, Via};
use graph::filter::Filter;
use graph::model::RefusesMembers;
use graph::{Client, Error, Group, GroupId, Refusal, SubscribedSku};

/// Nobody's id: asking for it shows whether the property can be asked for.
const NOBODY: &str = "policy-check:nobody";

/// Checks everything and tells all that is wrong at once. Fails only if the tenant cannot be asked.
pub(super) async fn check(client: &Client, policy: &Policy, text: &str) -> Result<Vec<Fault>, Error> {
    let mut check = Check { client, policy, places: Places::of(text), faults: Vec::new(), refused: BTreeSet::new() };
    check.domain().await?;
    check.anchor().await?;
    check.products().await?;
    check.groups().await?;
    check.faults.sort_by_key(|fault| (fault.span.start, fault.span.end));
    Ok(check.faults)
}

struct Check<'a> {
    client: &'a Client,
    policy: &'a Policy,
    places: Places<'a>,
    faults: Vec<Fault>,
    /// Permissions that were found missing; each is told once.
    refused: BTreeSet<&'static str>,
}

impl Check<'_> {
    fn fault(&mut self, path: &str, message: impl Into<String>, help: impl Into<String>) {
        self.faults.push(self.places.fault(path, message, help));
    }

    fn warning(&mut self, path: &str, message: impl Into<String>, help: impl Into<String>) {
        self.faults.push(self.places.warning(path, message, help));
    }

    /// What was read, or a fault that names the permission it takes.
    fn permitted<T>(
        &mut self,
        read: Result<T, Error>,
        path: &str,
        permission: &'static str,
    ) -> Result<Option<T>, Error> {
        match read {
            Ok(read) => Ok(Some(read)),
            Err(Error::Refused { refusal: Refusal::InsufficientPrivileges, answer }) => {
                if self.refused.insert(permission) {
                    let message = format!("the tenant refuses `{}`", answer.route);
                    let help = format!("give the application the permission `{permission}`, and consent to it");
                    self.fault(path, message, help);
                }
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn domain(&mut self) -> Result<(), Error> {
        let path = "tenant.domain";
        let domains = match self.client.domains().await {
            // Nothing else that Joinery does takes this permission.
            Err(Error::Refused { refusal: Refusal::InsufficientPrivileges, answer }) => {
                let help =
                    "make sure it is a verified domain, or give the application the permission `Domain.Read.All`";
                self.warning(path, format!("the tenant refuses `{}`", answer.route), help);
                return Ok(());
            }
            read => read?,
        };
        let wanted = &self.policy.tenant.domain;
        match domains.iter().find(|domain| domain.id.eq_ignore_ascii_case(wanted)) {
            Some(domain) if domain.is_verified => {}
            Some(_) => {
                self.fault(path, format!("`{wanted}` is not verified"), "verify it in the Microsoft 365 admin center");
            }
            None => {
                let verified = domains.iter().filter(|domain| domain.is_verified).map(|domain| domain.id.as_str());
                let help = format!("the tenant's verified domains: {}", verified.collect::<Vec<_>>().join(", "));
                self.fault(path, format!("`{wanted}` is not a domain of the tenant"), help);
            }
        }
        Ok(())
    }

    async fn anchor(&mut self) -> Result<(), Error> {
        let (path, anchor) = ("tenant.anchor", &self.policy.tenant.anchor);
        let read = self.client.find_users(&Filter::eq(anchor, NOBODY), &["id", anchor]).await;
        let is_unknown = match &read {
            // Graph answers a property that nobody registered in one of these ways.
            Err(Error::Refused { refusal, .. }) => *refusal != Refusal::InsufficientPrivileges,
            Err(Error::Undocumented { answer, .. }) => answer.status == 400,
            _ => false,
        };
        if is_unknown {
            let help = "register the directory extension for users, on the application whose id stands in its name";
            self.fault(path, "the tenant knows no such property of users", help);
            return Ok(());
        }
        self.permitted(read, path, "User.Read.All").map(drop)
    }

    async fn products(&mut self) -> Result<(), Error> {
        let read = self.client.subscribed_skus().await;
        let Some(owned) = self.permitted(read, "packages", "LicenseAssignment.Read.All")? else { return Ok(()) };
        let owned: BTreeMap<SkuId, SubscribedSku> =
            owned.into_iter().filter_map(|sku| Some((sku.sku_id.as_str().parse().ok()?, sku))).collect();
        for (at, package) in self.policy.packages.iter().enumerate() {
            for (number, license) in package.licenses.iter().enumerate() {
                let path = format!("packages.{at}.licenses.{number}.sku");
                self.product(&path, &license.sku_name, owned.get(&license.sku));
            }
        }
        Ok(())
    }

    fn product(&mut self, path: &str, name: &str, sku: Option<&SubscribedSku>) {
        let Some(sku) = sku else {
            self.fault(path, format!("the tenant does not own `{name}`"), "buy it, or take it out of the package");
            return;
        };
        let status = sku.capability_status.as_deref().unwrap_or("Enabled");
        if !sku.is_for_users() {
            let help = "it serves the company as a whole: take it out of the package";
            self.fault(path, format!("`{name}` cannot be assigned to users"), help);
        } else if !["Enabled", "Warning"].contains(&status) {
            self.fault(
                path,
                format!("the subscription to `{name}` is `{status}`"),
                "renew it in the Microsoft 365 admin center",
            );
        } else if sku.free_seats() <= 0 {
            let help = "new people wait until seats are bought or freed";
            self.warning(path, format!("no seat of `{name}` is free"), help);
        }
    }

    async fn groups(&mut self) -> Result<(), Error> {
        for (at, package) in self.policy.packages.iter().enumerate() {
            for (number, group) in package.groups.iter().enumerate() {
                let path = format!("packages.{at}.groups.{number}.id");
                if let Some(group) = self.group(&path, &group.id).await?
                    && group.carries_licenses()
                {
                    let help = "name it under `licenses` with `via = \"group\"`: joining takes a seat, so location and seat come first";
                    self.fault(&path, "the group carries licenses", help);
                }
            }
            for (number, license) in package.licenses.iter().enumerate() {
                let Via::Group(group) = &license.via else { continue };
                let path = format!("packages.{at}.licenses.{number}.group");
                if let Some(group) = self.group(&path, group).await?
                    && !group.assigned_licenses.iter().any(|carried| carried.sku_id.as_str() == license.sku.as_str())
                {
                    let message = format!("the group does not carry `{}`", license.sku_name);
                    self.fault(&path, message, "assign the license to the group, or name the group that has it");
                }
            }
        }
        Ok(())
    }

    /// The group, if it is there; what keeps its members from being written is told.
    async fn group(&mut self, path: &str, id: &ObjectId) -> Result<Option<Group>, Error> {
        let read = self.client.get_group(&GroupId::from(id.as_str()), Group::PROPERTIES).await;
        let Some(group) = self.permitted(read, path, "Group.Read.All")? else { return Ok(None) };
        let Some(group) = group else {
            self.fault(path, "the tenant has no such group", "correct the id, or make the group");
            return Ok(None);
        };
        match group.refuses_members() {
            Some(RefusesMembers::RoleAssignable) if self.policy.may_give_roles(id) => {
                let help = "the application needs `RoleManagement.ReadWrite.Directory`; whoever joins can be blocked by an administrator only";
                self.warning(path, "the members of this group can be given directory roles", help);
            }
            Some(refusal) => self.fault(path, refusal.to_string(), cure(refusal)),
            None => {}
        }
        Ok(Some(group))
    }
}

/// What to do about a group whose members we cannot write.
fn cure(refusal: RefusesMembers) -> &'static str {
    match refusal {
        RefusesMembers::Synchronized => "its members are changed in Active Directory on-premises: name a cloud group",
        RefusesMembers::Dynamic => {
            "Entra computes its members: name an assigned group, or let Entra's rule do it alone"
        }
        RefusesMembers::MailEnabledSecurity | RefusesMembers::Distribution => {
            "its members are changed in Exchange: name a security or a Microsoft 365 group"
        }
        RefusesMembers::RoleAssignable => {
            "its members become administrators: name another group, or say `role_assignable = true` if that is meant"
        }
        RefusesMembers::ManagementRestricted => "only its own administrators change it: name another group",
        RefusesMembers::Unknown => "give the application the permission `Group.Read.All`, and consent to it",
    }
}
