package store

// MeantSQL is the statement of Meant, for a look at its plan.
const MeantSQL = selectMeant
