//! The least value that fits a shape, to build whole objects on.

use serde_json::{Map, Value};

use super::model::{Kind, Rest, Shape};

impl Shape {
    /// A value that fits and says nothing: `null` where it is allowed, the first choice, an empty
    /// string or list, 0 or the least number, `false`; of an object, the required fields so.
    ///
    /// A test holds that it fits for every shape of the API.
    pub fn blank(&self) -> Value {
        if self.is_nullable() && !self.kinds.is_empty() {
            return Value::Null;
        }
        if let Some(choices) = &self.choices {
            // One shape of the document lists choices of a kind it does not allow.
            let allowed = |choice: &&Value| {
                self.kinds.is_empty() || self.kinds.iter().any(|kind| kind.holds(choice))
            };
            return choices.iter().find(allowed).cloned().unwrap_or_default();
        }
        if let Some(first) = self.one_of.first().filter(|_| self.kinds.is_empty()) {
            return first.blank();
        }
        match self.kinds.first() {
            Some(Kind::Boolean) => Value::Bool(false),
            Some(Kind::Integer | Kind::Number) => self.blank_number(),
            Some(Kind::String) => Value::String(self.blank_text()),
            Some(Kind::List) => {
                let count = self.items.min.unwrap_or(0);
                let item = self.item.as_ref().map_or(Value::Null, |item| item.blank());
                Value::Array(vec![item; count])
            }
            Some(Kind::Object) => self.blank_object(),
            None if !self.fields.is_empty() || !self.any_of.is_empty() => self.blank_object(),
            Some(Kind::Null) | None => Value::Null,
        }
    }

    fn blank_number(&self) -> Value {
        let number = self.range.min.unwrap_or(0.0).max(0.0);
        let number = self.range.max.map_or(number, |max| number.min(max));
        // A whole number is written as one.
        if number.fract() == 0.0 {
            Value::from(number as i64)
        } else {
            Value::from(number)
        }
    }

    fn blank_text(&self) -> String {
        let text = match (self.pattern, self.format) {
            (Some(pattern), _) => pattern.blank(),
            (None, Some(format)) => format.blank(),
            (None, None) => return "-".repeat(self.length.min.unwrap_or(0)),
        };
        text.to_owned()
    }

    fn blank_object(&self) -> Value {
        let mut map = Map::new();
        for field in self.fields.iter().filter(|field| field.required) {
            map.insert(field.name.to_string(), field.shape.blank());
        }
        // Too few fields: the first optional ones, then one of any name.
        let least = self.size.min.unwrap_or(0);
        for field in self.fields.iter().filter(|field| !field.required) {
            if map.len() >= least {
                break;
            }
            map.insert(field.name.to_string(), field.shape.blank());
        }
        if map.len() < least
            && let Rest::Each(each) = &self.rest
        {
            map.insert("-".to_owned(), each.blank());
        }
        let plain = Value::Object(map.clone());
        if self.any_of.is_empty() || self.fits(&plain) {
            return plain;
        }
        let mut joined = self.any_of.iter().filter_map(|alternative| {
            let mut joined = map.clone();
            for field in alternative.fields.iter().filter(|field| field.required) {
                // The alternative may say only that the field is there: its shape is here then.
                let own = self.field(&field.name).map(|own| own.shape.blank());
                let blank = own.filter(|own| field.shape.fits(own));
                let blank = blank.unwrap_or_else(|| field.shape.blank());
                joined.insert(field.name.to_string(), blank);
            }
            let joined = Value::Object(joined);
            self.fits(&joined).then_some(joined)
        });
        joined.next().unwrap_or(plain)
    }
}
