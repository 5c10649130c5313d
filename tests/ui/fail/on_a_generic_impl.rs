use static_call::{call, static_call};

struct List<T>(Vec<T>);

#[static_call]
impl<T> List<T> {
    #[static_call]
    fn first(&self) -> Option<&T> {
        self.0.first()
    }
}

fn main() {
    let list = List(vec![1]);
    let _ = list.first();
    let _ = call!(List::first(&list));
    let _ = List::<u8>::FIRST.query();
    List::<u8>::FIRST.update(|list| list.0.last()).unwrap();
}
