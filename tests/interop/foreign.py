"""Signs and verifies with Python's libraries, one JSON object per line in and out.

    {"do":"version","library"}                                                -> {"version"}
    {"do":"sign","library","secret","id","now","body"}                        -> {"headers"} or {"reason"}
    {"do":"verify","library","secrets","headers":[[name,value],...],"now","body"} -> {} or {"reason"}

Bodies are in base64. A `reason` says what was refused, and why: the exception that came
out, or `false`. Any of several secrets may have signed. Libraries that read the clock
themselves are shown `now` instead.
"""

import base64
import datetime
import importlib.metadata
import json
import sys
import time

import slack_sdk.signature
import standardwebhooks.webhooks
import stripe

NOW = 0


class StoppedDatetime(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(NOW, tz)


class StoppedClock(slack_sdk.signature.Clock):
    def now(self):
        return NOW


standardwebhooks.webhooks.datetime = StoppedDatetime
time.time = lambda: NOW


class StandardWebhooks:
    @staticmethod
    def sign(secret, id, now, body):
        moment = datetime.datetime.fromtimestamp(now, datetime.timezone.utc)
        signature = standardwebhooks.webhooks.Webhook(secret).sign(id, moment, body.decode())
        return {"webhook-id": id, "webhook-timestamp": str(now), "webhook-signature": signature}

    @staticmethod
    def verify(secret, headers, body):
        standardwebhooks.webhooks.Webhook(secret).verify(body, headers, json_parse=False)
        return True


class Stripe:
    @staticmethod
    def sign(secret, id, now, body):
        header = stripe.WebhookSignature.generate_signature_header(body.decode(), secret, now)
        return {"stripe-signature": header}

    @staticmethod
    def verify(secret, headers, body):
        header = headers.get("stripe-signature")
        return stripe.WebhookSignature.verify_header(body, header, secret, stripe.Webhook.DEFAULT_TOLERANCE)


class Slack:
    @staticmethod
    def sign(secret, id, now, body):
        verifier = slack_sdk.signature.SignatureVerifier(secret)
        signature = verifier.generate_signature(timestamp=str(now), body=body)
        return {"x-slack-request-timestamp": str(now), "x-slack-signature": signature}

    @staticmethod
    def verify(secret, headers, body):
        return slack_sdk.signature.SignatureVerifier(secret, StoppedClock()).is_valid_request(body, headers)


LIBRARIES = {"standardwebhooks": StandardWebhooks, "stripe": Stripe, "slack-sdk": Slack}


def reason(error):
    return f"{type(error).__name__}: {error}"


def sign(order, library):
    body = base64.b64decode(order["body"])
    try:
        headers = library.sign(order["secret"], order["id"], order["now"], body)
    except Exception as error:
        return {"reason": reason(error)}
    return {"headers": list(headers.items())}


def verify(order, library):
    body, headers = base64.b64decode(order["body"]), dict(order["headers"])
    refused = {}
    for secret in order["secrets"]:
        try:
            if library.verify(secret, headers, body):
                return {}
            refused = {"reason": "false"}
        except Exception as error:
            refused = {"reason": reason(error)}
    return refused


for line in sys.stdin:
    order = json.loads(line)
    NOW = order.get("now", 0)
    if order["do"] == "version":
        answer = {"version": importlib.metadata.version(order["library"])}
    else:
        answer = {"sign": sign, "verify": verify}[order["do"]](order, LIBRARIES[order["library"]])
    print(json.dumps(answer), flush=True)
