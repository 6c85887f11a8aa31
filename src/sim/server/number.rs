//! Floats as OCaml prints them: `%.15g` in RRDs, `%.16g` in XML-RPC, the shortest that reads back in JSON.

/// `%.<precision>g` of C and OCaml: at most `precision` significant digits, no trailing zeros.
pub fn general(value: f64, precision: usize) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    if value == 0.0 {
        return if value.is_sign_negative() { "-0" } else { "0" }.to_owned();
    }
    let precision = precision.max(1);
    let scientific = format!("{value:.*e}", precision - 1);
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i64 = exponent.parse().unwrap_or(0);
    let digits = i64::try_from(precision).unwrap_or(i64::MAX);
    if exponent < -4 || exponent >= digits {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trim(mantissa), exponent.abs());
    }
    let decimals = usize::try_from(digits - 1 - exponent).unwrap_or(0);
    trim(&format!("{value:.decimals$}")).to_owned()
}

/// As xapi writes a float in JSON: `1.0`, `0.25`, `1e+20`; `NaN` and `Infinity` as they are, which is not strict JSON.
pub fn json(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let mut text = general(value, 16);
    if text.parse() != Ok(value) {
        text = general(value, 17);
    }
    if !text.contains(['.', 'e']) {
        text.push_str(".0");
    }
    text
}

/// As xcp-rrdd writes a value of a row.
pub fn rrd(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else {
        general(value, 15)
    }
}

fn trim(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_look_as_c_prints_them() {
        for (value, text) in [
            (67_108_864.0, "67108864"),
            (266_845.281_25, "266845.28125"),
            (0.767_061_591_148_376, "0.767061591148376"),
            (1e15, "1e+15"),
            (0.000_01, "1e-05"),
            (-2.5, "-2.5"),
            (100.0, "100"),
            (0.0, "0"),
        ] {
            assert_eq!(general(value, 15), text);
        }
        assert_eq!(general(1.0 / 3.0, 16), "0.3333333333333333");
        assert_eq!(general(999_999.5, 6), "1e+06");
    }

    #[test]
    fn json_floats_read_back_and_never_look_like_integers() {
        for value in [1.0, 0.1, 0.1 + 0.2, 1e20, 123_456_789.0, -0.0, f64::MIN_POSITIVE, 1.0 / 3.0] {
            let text = json(value);
            assert_eq!(text.parse::<f64>(), Ok(value), "{text}");
            assert!(text.contains(['.', 'e']), "{text}");
        }
        assert_eq!(json(1.0), "1.0");
        assert_eq!(json(f64::NAN), "NaN");
        assert_eq!(rrd(f64::INFINITY), "Infinity");
    }
}
