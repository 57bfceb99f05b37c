"""From contracts to Pydantic models and Zod schemas that give the same verdicts."""
