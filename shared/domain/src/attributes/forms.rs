//! Forms: addresses, telephone numbers, language tags.

/// The longest part of an address before the `@` (RFC 5321, 4.5.3.1.1).
const LOCAL_MAX: usize = 64;
/// The longest domain (RFC 5321, 4.5.3.1.2).
const DOMAIN_MAX: usize = 255;
/// The longest part of a domain (RFC 1035, 2.3.4).
const LABEL_MAX: usize = 63;
/// Endings that no mail is sent to (RFC 2606 and 6761 without `example`, RFC 8375, and what networks call themselves).
const NOT_ROUTABLE: [&str; 10] =
    ["local", "localhost", "localdomain", "internal", "intranet", "lan", "home", "corp", "invalid", "test"];
/// What RFC 5322 lets an atom hold besides letters and digits.
const ATOM: &str = "!#$%&'*+-/=?^_`{|}~";
/// Digits of an international number (E.164), and of the shortest one inside a company.
const DIGITS: std::ops::RangeInclusive<usize> = 3..=15;
/// Digits of an extension.
const EXTENSION_MAX: usize = 8;

/// Whether it is an address by RFC 5322 (the dot-atom form; nobody has a quoted one) with a domain that is not merely local.
pub(super) fn is_address(text: &str) -> bool {
    parts(text).is_some_and(|(local, domain)| {
        let atom = |letter: char| letter.is_ascii_alphanumeric() || ATOM.contains(letter);
        dotted(local, atom) && is_routable(domain)
    })
}

/// Whether Graph takes the address for an invitation: letters, digits, underscores; periods and hyphens but first or last in the user
/// name ("Create invitation", the table of refused characters).
pub(super) fn is_invited_address(text: &str) -> bool {
    is_address(text)
        && parts(text).is_some_and(|(local, _)| {
            let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
            local.chars().all(plain) && !local.starts_with(['.', '-']) && !local.ends_with(['.', '-'])
        })
}

fn parts(address: &str) -> Option<(&str, &str)> {
    let (local, domain) = address.split_once('@')?;
    (local.len() <= LOCAL_MAX && !domain.contains('@')).then_some((local, domain))
}

/// Parts with a period between them, none of them empty.
fn dotted(text: &str, fits: impl Fn(char) -> bool) -> bool {
    text.split('.').all(|part| !part.is_empty() && part.chars().all(&fits))
}

fn is_routable(domain: &str) -> bool {
    let label = |label: &str| {
        let plain = label.bytes().all(|byte| byte == b'-' || byte.is_ascii_alphanumeric());
        plain && (1..=LABEL_MAX).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
    };
    let last = domain.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let is_name = last.len() >= 2 && last.bytes().any(|byte| byte.is_ascii_alphabetic());
    domain.len() <= DOMAIN_MAX
        && domain.contains('.')
        && domain.split('.').all(label)
        && is_name
        && !NOT_ROUTABLE.contains(&last.as_str())
}

/// Whether it is a telephone number: digits with the marks people put between them, perhaps a `+` in front, perhaps an
/// extension behind.
pub(super) fn is_phone(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let (number, extension) = ["ext.", "ext", "x", "#"]
        .into_iter()
        .find_map(|mark| lower.split_once(mark))
        .map_or((lower.as_str(), None), |(number, extension)| (number, Some(extension.trim())));
    let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
    let plain = number.trim().strip_prefix('+').unwrap_or(number);
    let is_number = plain.chars().all(|letter| letter.is_ascii_digit() || " ()-./".contains(letter));
    let is_extension =
        |extension: &str| (1..=EXTENSION_MAX).contains(&extension.len()) && digits(extension) == extension.len();
    is_number && DIGITS.contains(&digits(plain)) && extension.is_none_or(is_extension)
}

/// Whether it is a well-formed language tag (RFC 5646, 2.1, without the grandfathered ones).
pub(super) fn is_language(text: &str) -> bool {
    let mut parts = text.split('-').peekable();
    let alphabetic = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphabetic());
    let alphanumeric = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let Some(language) = parts.next().filter(|part| alphabetic(part) && (2..=8).contains(&part.len())) else {
        return false;
    };
    if language.len() <= 3 {
        for _ in 0..3 {
            _ = parts.next_if(|part| part.len() == 3 && alphabetic(part));
        }
    }
    _ = parts.next_if(|part| part.len() == 4 && alphabetic(part));
    _ = parts.next_if(|part| part.len() == 2 && alphabetic(part) || part.len() == 3 && digits(part));
    let starts_with_digit = |part: &str| part.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
    let is_variant = |part: &str| {
        alphanumeric(part) && ((5..=8).contains(&part.len()) || part.len() == 4 && starts_with_digit(part))
    };
    while parts.next_if(|part| is_variant(part)).is_some() {}
    while let Some(single) = parts.next() {
        let least = if single.eq_ignore_ascii_case("x") { 1 } else { 2 };
        let mut any = false;
        while parts.next_if(|part| alphanumeric(part) && (least..=8).contains(&part.len())).is_some() {
            any = true;
        }
        if single.len() != 1 || !alphanumeric(single) || !any {
            return false;
        }
    }
    true
}
