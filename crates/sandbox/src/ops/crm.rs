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
