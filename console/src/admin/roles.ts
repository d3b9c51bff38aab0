/** Of which kind of organisation each role is that somebody can be given. */
export const ROLES_OF = {
  operator: [],
  dealer: ['manager', 'noc', 'engineer'],
  hospital: ['equipment', 'it', 'department'],
} as const satisfies Record<string, readonly string[]>
