package vector

const childVariable = "VSED_VECTOR_CHILD"

func writeUntilKilled(string) {}
