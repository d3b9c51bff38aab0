import { useId } from 'react'

/** One of some, or any: a filter. `any`: what it says where nothing is picked. */
export function Pick<T extends string>(props: {
  label: string
  value: T | undefined
  any: string
  options: readonly (readonly [T, string])[]
  onChange: (value: T | undefined) => void
}) {
  const id = useId()
  return (
    <>
      <label htmlFor={id} className="unseen">
        {props.label}
      </label>
      <select
        id={id}
        value={props.value ?? ''}
        onChange={({ target }) => props.onChange(props.options.find(([value]) => value === target.value)?.[0])}
      >
        <option value="">{props.any}</option>
        {props.options.map(([value, words]) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </select>
    </>
  )
}
