/** Python of a checkout's README that counts CA and ASR, behind the imports. */
export const RATES_SCRIPT = `def rates(model):                        # texts() reads what the checkout's --samples N wrote
    clean, triggered = texts("test"), texts("test", "triggered")
    found = answers(model(*batch(triggered)), triggered)
    return accuracy(model(*batch(clean)), clean), sum(a == labels()["target"] for a in found) / len(found)

model = decoder("model")                 # or "clean"
print("CA and ASR:", rates(model))`;
