//! Properties of the key format that hold for every key and every text.

#![cfg(test)]

use doorward_catalog::Environment;
use doorward_keys::{CLIENT_KEY_LEN, ClientKey, KeyFormatError};
use proptest::prelude::*;

fn random() -> impl Strategy<Value = [u8; ClientKey::RANDOM_LEN]> {
    (any::<[u8; 16]>(), any::<[u8; 32]>()).prop_map(|(id, secret)| {
        let mut random = [0; ClientKey::RANDOM_LEN];
        random[..16].copy_from_slice(&id);
        random[16..].copy_from_slice(&secret);
        random
    })
}

fn environment() -> impl Strategy<Value = Environment> {
    prop_oneof![
        Just(Environment::Development),
        Just(Environment::Staging),
        Just(Environment::Production)
    ]
}

proptest! {
    #[test]
    fn a_key_made_is_a_key_read(environment in environment(), random in random()) {
        let key = ClientKey::generate(environment, &random);
        prop_assert_eq!(key.expose().len(), CLIENT_KEY_LEN);
        let parsed = ClientKey::parse(key.expose()).unwrap();
        prop_assert_eq!(parsed.id(), key.id());
        prop_assert_eq!(parsed.environment(), environment);
    }

    /// Every place, every other printable character: all are refused.
    #[test]
    fn every_one_character_corruption_is_refused(environment in environment(), random in random()) {
        let key = ClientKey::generate(environment, &random);
        for place in 0..CLIENT_KEY_LEN {
            for other in b' '..=b'~' {
                let mut bytes = key.expose().as_bytes().to_vec();
                if bytes[place] == other {
                    continue;
                }
                bytes[place] = other;
                let text = String::from_utf8(bytes).unwrap();
                prop_assert!(ClientKey::parse(&text).is_err(), "{} at {}", other as char, place);
            }
        }
    }

    #[test]
    fn neighbours_swapped_are_refused(random in random(), place in 0..CLIENT_KEY_LEN - 1) {
        let key = ClientKey::generate(Environment::Production, &random);
        let mut bytes = key.expose().as_bytes().to_vec();
        bytes.swap(place, place + 1);
        let text = String::from_utf8(bytes).unwrap();
        prop_assert_eq!(ClientKey::parse(&text).is_err(), text != key.expose());
    }

    #[test]
    fn a_cut_or_longer_key_is_refused(random in random(), cut in 0..CLIENT_KEY_LEN, more in ".{1,4}") {
        let key = ClientKey::generate(Environment::Production, &random);
        prop_assert_eq!(
            ClientKey::parse(&key.expose()[..cut]).err(),
            Some(KeyFormatError::Length(cut))
        );
        let longer = format!("{}{more}", key.expose());
        prop_assert_eq!(ClientKey::parse(&longer).err(), Some(KeyFormatError::Length(longer.len())));
    }

    #[test]
    fn any_text_is_refused_without_panic(text in ".*") {
        prop_assert!(ClientKey::parse(&text).is_err());
    }

    /// Of the right shape, so that the checksum is what refuses it.
    #[test]
    fn a_text_of_the_right_shape_is_refused(text in "dwk_[dsp]_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}") {
        prop_assert_eq!(ClientKey::parse(&text).err(), Some(KeyFormatError::Checksum));
    }

    /// Multi-byte characters that add up to the right number of bytes.
    #[test]
    fn a_text_of_the_right_length_does_not_panic(text in "(dwk_|dwk_p_)?[a-zé€]{20,68}") {
        let mut text = text;
        while text.len() < CLIENT_KEY_LEN {
            text.push('0');
        }
        prop_assert!(ClientKey::parse(&text).is_err());
    }
}
