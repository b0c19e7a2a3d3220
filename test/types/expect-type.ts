// Assertions that the compiler checks and that do nothing when run.

type Exactly<Actual, Expected> =
  (<T>() => T extends Actual ? 1 : 2) extends (<T>() => T extends Expected ? 1 : 2) ? Actual : never

/** Compiles only when the value's type is exactly `Expected`, so `any` and narrower types do not pass. */
export function expectType<Expected> (): <Actual>(value: Exactly<Actual, Expected>) => void {
  return () => {}
}
