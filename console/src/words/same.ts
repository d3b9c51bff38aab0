/** What another language must have: the keys of `T`, no more and no fewer. */
export type Same<T> = { readonly [K in keyof T]: T[K] extends string ? string : Same<T[K]> }
