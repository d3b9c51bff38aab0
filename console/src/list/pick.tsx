import type { Facet } from './filters.tsx'

/** One of some, or any. `any`: what it says where nothing is picked. */
export function pick<T extends string>(of: {
  id: string
  label: string
  value: T | undefined
  any: string
  options: readonly (readonly [T, string])[]
  onChange: (value: T | undefined) => void
}): Facet {
  const { options, value } = of
  return {
    id: of.id,
    label: of.label,
    chosen: value === undefined ? undefined : (options.find(([one]) => one === value)?.[1] ?? value),
    onClear: () => of.onChange(undefined),
    control: (
      <select
        aria-label={of.label}
        value={value ?? ''}
        onChange={({ target }) => of.onChange(options.find(([one]) => one === target.value)?.[0])}
      >
        <option value="">{of.any}</option>
        {options.map(([one, words]) => (
          <option key={one} value={one}>
            {words}
          </option>
        ))}
      </select>
    ),
  }
}
