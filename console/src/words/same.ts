/** What another language must have: the keys of `T`, no more and no fewer; where Chinese counts by `_other` alone, also `_one`. */
export type Same<T> = { readonly [K in keyof T]: T[K] extends string ? string : Same<T[K]> } & {
  readonly [K in keyof T as K extends `${infer Key}_other` ? `${Key}_one` : never]: string
}
