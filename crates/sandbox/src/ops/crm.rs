//! Phone numbers of the CRM: listPhoneNumbers, deletePhoneNumber.

use doorward_catalog::Op;
use serde_json::Value;

use crate::call::Call;
use crate::cx::Cx;
use crate::ops::astray;
use crate::ops::view::{shown, unset};
use crate::reply::{Answer, Refusal, Reply};

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::ListPhoneNumbers => {
            let numbers: Vec<Value> = cx.ws().phone_numbers.iter().map(shown).collect();
            Reply::ok(Value::Array(numbers))
        }
        Op::DeletePhoneNumber => {
            let Some(gone) = cx.ws().phone_numbers.remove(&call.param) else {
                return Err(Refusal::not_found("Phone number"));
            };
            let mut gone = shown(&gone);
            // What was rented is no longer; the answer has no renewal and no price.
            unset(&mut gone, "renewal_date");
            unset(&mut gone, "price");
            Reply::ok(gone)
        }
        other => Err(astray(other)),
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::fitting::{call, ok};
    use crate::ops::view::text;
    use crate::testing;

    #[test]
    fn a_deleted_number_is_listed_no_more() {
        let mut world = testing::world();
        let path = "/api/v2/crm-actions/phone-numbers";
        let all = ok(&mut world, "GET", path, None);
        let first = all.as_array().unwrap()[0].clone();
        let one = format!("{path}/{}", text(&first, "id"));
        let gone = ok(&mut world, "DELETE", &one, None);
        assert_eq!(gone["phone_number"], first["phone_number"]);
        let left = ok(&mut world, "GET", path, None);
        assert_eq!(
            left.as_array().unwrap().len() + 1,
            all.as_array().unwrap().len()
        );
        assert_eq!(call(&mut world, "DELETE", &one, None).0, 404);
    }
}
