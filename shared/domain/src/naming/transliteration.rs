//! Any script into the few characters of an address.

use deunicode::deunicode_char;

/// The text as part of an address: Latin letters without accents, lower case; `a-z 0-9 . - _` and nothing else, no dot, hyphen or
/// underscore at either end, no two dots in a row.
///
/// Blanks, apostrophes of every kind, other punctuation and pictures are dropped, so that `van der Berg` is `vanderberg` and
/// `O’Brien` is `obrien`. Empty when the text holds no letter or digit; [`candidates`](super::candidates) then has a fallback.
pub fn transliterate(text: &str) -> String {
    let mut ascii = String::with_capacity(text.len());
    for c in text.chars().filter(|c| is_kept(*c)) {
        ascii.push_str(deunicode_char(c).unwrap_or_default());
    }
    tidy(&ascii.to_lowercase())
}

/// Letters and digits of any script, dots and dashes. Filtered before transliteration, which would spell out a picture's name.
fn is_kept(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '‐' | '‑' | '‒' | '–' | '—')
}

/// Drops what no address of ours holds: other characters, a dot after a dot, and separators at the ends.
pub(super) fn tidy(text: &str) -> String {
    let mut tidied = String::with_capacity(text.len());
    for c in text.chars() {
        let is_own = c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
        if is_own && !(c == '.' && tidied.ends_with('.')) {
            tidied.push(c);
        }
    }
    tidied.trim_matches(['.', '-', '_']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m02_names_of_many_scripts_become_ascii() {
        for (name, expected) in [
            ("Zoë", "zoe"),
            ("Müller-Łukasz", "muller-lukasz"),
            ("Nguyễn", "nguyen"),
            ("Thị", "thi"),
            ("Ánh", "anh"),
            ("王", "wang"),
            ("小明", "xiaoming"),
            ("O’Brien", "obrien"),
            ("O'Brien", "obrien"),
            ("Oʼbrien", "obrien"),
            ("Đặng", "dang"),
            ("Groß", "gross"),
            ("Ægir", "aegir"),
            ("Øyvind", "oyvind"),
            ("Þórr", "thorr"),
            ("Дмитрий", "dmitrii"),
            ("İpek Ilgın", "ipekilgin"),
            ("Zoe\u{308}", "zoe"),
            ("van der Berg", "vanderberg"),
            ("J. R. R.", "j.r.r"),
            ("Anne–Marie", "anne-marie"),
            ("..Jr..-", "jr"),
            ("😀", ""),
            ("Zoë 🎉", "zoe"),
            ("Ｔａｒｏ１", "taro1"),
            ("", ""),
        ] {
            assert_eq!(transliterate(name), expected, "{name}");
        }
    }

    #[test]
    fn m02_scripts_that_are_not_latin_leave_something_to_read() {
        for name in ["محمد", "נועה", "さくら", "김민준", "Ελένη", "สมชาย", "अर्जुन", "Գարիկ", "გიორგი"]
        {
            let ascii = transliterate(name);
            assert!(ascii.len() >= 2 && ascii.chars().all(|c| c.is_ascii_lowercase()), "{name} became {ascii}");
        }
    }
}
