use conduit::Contract;

const RUN: Contract<u32, String> = Contract::request("job..run");
const STOP: Contract<u32> = Contract::event("job.*");

fn main() {
    println!("{RUN:?} {STOP:?}");
}
