//! What a user's properties must look like. Limits and texts: "user resource type", "Create user", "Password policies
//! and restrictions in Microsoft Entra ID"; the texts of refusals are from public captures.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::entity::{Kind, Properties};
use crate::history::View;
use crate::ids::Guid;
use crate::properties::{self, Property, Shape, Write};
use crate::refusal::Refusal;
use crate::state::State;
use crate::wire::App;

/// ISO 3166-1 alpha-2.
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS \
    BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ \
    FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT \
    JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP \
    MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE \
    RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV \
    TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/// A body's properties, every one of them checked; nothing is written unless all are right.
pub(crate) fn checked(
    state: &State,
    body: Map<String, Value>,
    creating: bool,
    app: &App,
) -> Result<Properties, Refusal> {
    let mut accepted = Properties::new();
    for (name, value) in body {
        if name.starts_with('@') {
            continue;
        }
        if state.extension_exists(&name) {
            check_extension(&name, &value)?;
        } else {
            let property =
                properties::find(Kind::User, &name).ok_or_else(|| Refusal::unknown_property(&name, "User"))?;
            check_writable(property, creating)?;
            check_value(property, &value, "User")?;
            check_meaning(state, property.name, &value)?;
            if name == "employeeLeaveDateTime" && !app.may(&["User-LifeCycleInfo.ReadWrite.All"]) {
                return Err(Refusal::denied());
            }
        }
        accepted.insert(name, value);
    }
    if creating {
        accepted.remove("passwordProfile");
        accepted.retain(|_, value| !value.is_null());
    }
    Ok(accepted)
}

fn check_writable(property: &Property, creating: bool) -> Result<(), Refusal> {
    let allowed = match property.write {
        Write::Anyone => true,
        Write::AtCreation => creating,
        Write::Nobody => false,
        Write::SharePoint => return Err(Refusal::denied()),
    };
    if allowed {
        Ok(())
    } else {
        Err(Refusal::bad(format!("Property '{}' is read-only and cannot be set.", property.name)))
    }
}

/// Shape and length.
pub(crate) fn check_value(property: &Property, value: &Value, kind: &str) -> Result<(), Refusal> {
    let fits = |text: &str, length_max: usize| !text.is_empty() && text.chars().count() <= length_max;
    let fine = match (property.shape, value) {
        (_, Value::Null) => property.nullable,
        (Shape::Text(length_max), Value::String(text)) => fits(text, length_max),
        (Shape::Flag, Value::Bool(_)) | (Shape::Objects, Value::Array(_)) => true,
        (Shape::Number, Value::Number(number)) => number.is_i64(),
        (Shape::Instant, Value::String(text)) => text.parse::<Timestamp>().is_ok(),
        (Shape::Texts(count_max, length_max), Value::Array(items)) => {
            items.len() <= count_max
                && items.iter().all(|item| item.as_str().is_some_and(|text| fits(text, length_max)))
        }
        (Shape::Object(names, length_max), Value::Object(members)) => members.iter().all(|(name, member)| {
            names.is_empty()
                || (names.contains(&name.as_str())
                    && (member.is_null() || member.as_str().is_some_and(|text| fits(text, length_max))))
        }),
        _ => false,
    };
    if fine { Ok(()) } else { Err(Refusal::invalid(property.name, kind)) }
}

/// Directory extensions hold one scalar, at most 256 characters of it.
fn check_extension(name: &str, value: &Value) -> Result<(), Refusal> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        Value::String(text) if text.chars().count() <= 256 => Ok(()),
        _ => Err(Refusal::invalid(name, "User")),
    }
}

/// What a shape cannot say.
fn check_meaning(state: &State, name: &'static str, value: &Value) -> Result<(), Refusal> {
    let invalid = || Refusal::invalid(name, "User");
    match (name, value) {
        ("userPrincipalName", Value::String(upn)) => check_upn(state, upn),
        ("passwordProfile", profile) => check_password(profile),
        ("usageLocation", Value::String(code)) => {
            let known = code.len() == 2 && COUNTRIES.split(' ').any(|country| country == code);
            known.then_some(()).ok_or_else(invalid)
        }
        ("userType", Value::String(text)) => {
            ["Member", "Guest"].contains(&text.as_str()).then_some(()).ok_or_else(invalid)
        }
        ("mail", Value::String(mail)) => is_address(mail).then_some(()).ok_or_else(invalid),
        ("otherMails", Value::Array(mails)) => {
            let fine = mails.iter().filter_map(Value::as_str).all(|mail| mail.is_ascii() && is_address(mail));
            fine.then_some(()).ok_or_else(invalid)
        }
        ("mailNickname", Value::String(nick)) => {
            let fine =
                nick.is_ascii() && !nick.contains(['@', '(', ')', '\\', '[', ']', '"', ';', ':', '<', '>', ',', ' ']);
            fine.then_some(()).ok_or_else(invalid)
        }
        ("passwordPolicies", Value::String(text)) => {
            let known = |policy: &str| ["None", "DisableStrongPassword", "DisablePasswordExpiration"].contains(&policy);
            text.split(',').map(str::trim).all(known).then_some(()).ok_or_else(invalid)
        }
        ("onPremisesImmutableId", Value::String(anchor)) => {
            (!anchor.contains(['$', '_'])).then_some(()).ok_or_else(invalid)
        }
        _ => Ok(()),
    }
}

/// `something@something.something`, nothing finer: Graph's own test is not documented.
pub(crate) fn is_address(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && domain.contains('.') && !domain.contains('@') && !text.contains([' ', ','])
    })
}

/// The principal name's form, then its domain.
pub(crate) fn check_upn(state: &State, upn: &str) -> Result<(), Refusal> {
    let malformed = || Refusal::bad("Property userPrincipalName is invalid.");
    let allowed = |c: char| c.is_ascii_alphanumeric() || "'.-_!#^~".contains(c);
    let (local, domain) = upn.split_once('@').ok_or_else(malformed)?;
    let formed = !local.is_empty()
        && local.len() <= 64
        && domain.len() <= 48
        && upn.len() <= 113
        && !local.ends_with('.')
        && local.chars().all(allowed)
        && !domain.is_empty()
        && domain.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c));
    if !formed {
        return Err(malformed());
    }
    if !state.verified(domain) {
        return Err(Refusal::bad(
            "The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain \
             names in your organization.",
        ));
    }
    Ok(())
}

/// Length, characters, three classes of four. Microsoft's banned lists are not known; a short one stands in for them.
fn check_password(profile: &Value) -> Result<(), Refusal> {
    const KNOWN: &[&str] = &["password", "forceChangePasswordNextSignIn", "forceChangePasswordNextSignInWithMfa"];
    const BANNED: &[&str] = &["password", "welcome", "qwerty", "letmein", "contoso"];
    let Some(members) = profile.as_object() else { return Err(Refusal::invalid("passwordProfile", "User")) };
    for (name, value) in members {
        if !KNOWN.contains(&name.as_str()) {
            return Err(Refusal::unknown_property(name, "passwordProfile"));
        }
        if name.starts_with("force") && !value.is_boolean() {
            return Err(Refusal::invalid(name, "passwordProfile"));
        }
    }
    let Some(password) = members.get("password") else { return Ok(()) };
    let password = password.as_str().unwrap_or_default();
    let symbol = |c: char| "@#$%^&*-_!+=[]{}|\\:',.?/`~\"();<> ".contains(c);
    let classes = [char::is_lowercase as fn(char) -> bool, char::is_uppercase, |c| c.is_ascii_digit()];
    let classes = classes.iter().filter(|class| password.chars().any(**class)).count()
        + usize::from(password.chars().any(symbol));
    let fine = (8..=256).contains(&password.len())
        && password.chars().all(|c| c.is_ascii_alphanumeric() || symbol(c))
        && classes >= 3
        && !BANNED.iter().any(|banned| password.len() < 16 && password.to_lowercase().contains(banned));
    if fine {
        return Ok(());
    }
    Err(Refusal::bad(
        "The specified password does not comply with password complexity requirements. Please provide a different password.",
    ))
}

/// Principal names and addresses are unique in the tenant, whatever their case; a deleted user holds none.
pub(crate) fn check_unique(state: &State, changes: &Properties, except: Option<Guid>) -> Result<(), Refusal> {
    let text = |name| changes.get(name).and_then(Value::as_str);
    if let Some(upn) = text("userPrincipalName") {
        if state.user_named(View::PRIMARY, upn).is_some_and(|holder| Some(holder) != except) {
            return Err(Refusal::conflict("userPrincipalName"));
        }
        if super::holder_of(state, upn, except).is_some() {
            return Err(Refusal::conflict("proxyAddresses"));
        }
    }
    match text("mail").and_then(|mail| super::holder_of(state, mail, except)) {
        Some(_) => Err(Refusal::conflict("proxyAddresses")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn passwords_need_length_and_three_classes_and_nothing_banned() {
        for (password, fine) in [
            ("Sunny-Day-42", true),
            ("abcDEF123", true),
            ("abcdefgh", false),
            ("Ab1-", false),
            ("abcdefgh1", false),
            ("Zoë-Müller-1", false),
            ("Password-1", false),
            ("ABCD efgh", true),
        ] {
            assert_eq!(check_password(&json!({"password": password})).is_ok(), fine, "{password}");
        }
    }

    #[test]
    fn every_country_code_has_two_letters_and_stands_once() {
        let mut codes: Vec<&str> = COUNTRIES.split(' ').filter(|code| !code.is_empty()).collect();
        assert_eq!(codes.len(), 249);
        assert!(codes.iter().all(|code| code.len() == 2) && codes.is_sorted());
        codes.dedup();
        assert_eq!(codes.len(), 249);
    }

    proptest! {
        #[test]
        fn no_password_makes_the_check_fail_to_answer(password: String) {
            let refused = check_password(&json!({"password": password})).err();
            prop_assert!(refused.is_none_or(|refusal| !refusal.message.contains(&password) || password.len() < 8));
        }
    }
}
