"""Blank objects: the catalogue, customers, and money."""

from __future__ import annotations

from bridge.sandbox.stripe.shape_parts import BILLING_DETAILS, nulls, shape, without

CATALOG = {
    "product": shape(
        "product",
        "default_price description package_dimensions shippable statement_descriptor tax_code "
        "unit_label updated url",
        active=True,
        images=[],
        marketing_features=[],
        name="",
        type="service",
    ),
    "price": shape(
        "price",
        "custom_unit_amount lookup_key nickname recurring tiers_mode transform_quantity "
        "unit_amount unit_amount_decimal",
        active=True,
        billing_scheme="per_unit",
        currency="usd",
        product=None,
        tax_behavior="unspecified",
        type="one_time",
    ),
    "coupon": shape(
        "coupon",
        "amount_off currency duration_in_months max_redemptions name percent_off redeem_by",
        duration="once",
        times_redeemed=0,
        valid=True,
    ),
    "promotion_code": shape(
        "promotion_code",
        "customer customer_account expires_at max_redemptions",
        active=True,
        code="",
        promotion={"coupon": None, "type": "coupon"},
        restrictions={
            "first_time_transaction": False,
            "minimum_amount": None,
            "minimum_amount_currency": None,
        },
        times_redeemed=0,
    ),
    "discount": without(
        shape(
            "discount",
            "checkout_session customer customer_account end invoice invoice_item promotion_code "
            "start subscription subscription_item",
            source={"coupon": None, "type": "coupon"},
        ),
        "created",
        "livemode",
        "metadata",
    ),
    "tax_rate": shape(
        "tax_rate",
        "country description effective_percentage flat_amount jurisdiction jurisdiction_level "
        "state tax_type",
        active=True,
        display_name="",
        inclusive=False,
        percentage=0,
        rate_type="percentage",
    ),
    "entitlements.feature": without(
        shape("entitlements.feature", active=True, lookup_key="", name=""), "created"
    ),
    "product_feature": without(shape("product_feature"), "created", "metadata"),
    "entitlements.active_entitlement": without(
        shape("entitlements.active_entitlement", feature=None, lookup_key=""),
        "created",
        "metadata",
    ),
    "payment_link": without(
        shape(
            "payment_link",
            "application application_fee_amount application_fee_percent consent_collection "
            "inactive_message managed_payments on_behalf_of payment_intent_data "
            "payment_method_options payment_method_types restrictions "
            "shipping_address_collection subscription_data transfer_data url invoice_creation",
            active=True,
            after_completion={
                "hosted_confirmation": {"custom_message": None},
                "type": "hosted_confirmation",
            },
            allow_promotion_codes=False,
            automatic_tax={"enabled": False, "liability": None},
            billing_address_collection="auto",
            currency="usd",
            custom_fields=[],
            custom_text=nulls("after_submit shipping_address submit terms_of_service_acceptance"),
            customer_creation="if_required",
            payment_method_collection="always",
            phone_number_collection={"enabled": False},
            shipping_options=[],
            submit_type="auto",
            tax_id_collection={"enabled": False, "required": "never"},
        ),
        "created",
    ),
}

PEOPLE = {
    "customer": shape(
        "customer",
        "address currency default_source description discount email name phone shipping test_clock",
        balance=0,
        delinquent=False,
        invoice_prefix="",
        invoice_settings={
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        next_invoice_sequence=1,
        preferred_locales=[],
        tax_exempt="none",
    ),
    "payment_method": shape(
        "payment_method",
        "customer customer_account",
        allow_redisplay="unspecified",
        billing_details=BILLING_DETAILS,
        type="card",
    ),
    "tax_id": without(
        shape(
            "tax_id",
            "customer customer_account",
            country=None,
            owner=None,
            type="eu_vat",
            value="",
            verification={
                "status": "pending",
                "verified_address": None,
                "verified_name": None,
            },
        ),
        "metadata",
    ),
    "customer_balance_transaction": shape(
        "customer_balance_transaction",
        "checkout_session credit_note customer customer_account description invoice",
        amount=0,
        currency="usd",
        ending_balance=0,
        type="adjustment",
    ),
    "customer_cash_balance_transaction": without(
        shape(
            "customer_cash_balance_transaction",
            "customer customer_account",
            currency="usd",
            ending_balance=0,
            net_amount=0,
            type="funded",
        ),
        "metadata",
    ),
    "test_helpers.test_clock": without(
        shape(
            "test_helpers.test_clock",
            "deletes_after frozen_time name",
            status="ready",
            status_details={},
        ),
        "metadata",
    ),
}

MONEY = {
    "payment_intent": shape(
        "payment_intent",
        "application application_fee_amount automatic_payment_methods canceled_at "
        "cancellation_reason client_secret customer customer_account description "
        "excluded_payment_method_types last_payment_error latest_charge managed_payments "
        "next_action on_behalf_of payment_method payment_method_configuration_details processing "
        "receipt_email review setup_future_usage shipping source statement_descriptor "
        "statement_descriptor_suffix transfer_data transfer_group",
        amount=0,
        amount_capturable=0,
        amount_details={"tip": {}},
        amount_received=0,
        capture_method="automatic",
        confirmation_method="automatic",
        currency="usd",
        payment_method_options={},
        payment_method_types=["card"],
        status="requires_payment_method",
    ),
    "setup_intent": shape(
        "setup_intent",
        "application automatic_payment_methods cancellation_reason client_secret customer "
        "customer_account description excluded_payment_method_types flow_directions "
        "last_setup_error latest_attempt mandate next_action on_behalf_of payment_method "
        "payment_method_configuration_details single_use_mandate",
        payment_method_options={},
        payment_method_types=["card"],
        status="requires_payment_method",
        usage="off_session",
    ),
    "charge": shape(
        "charge",
        "application application_fee application_fee_amount balance_transaction customer "
        "description failure_balance_transaction failure_code failure_message on_behalf_of "
        "outcome payment_intent payment_method payment_method_details receipt_email "
        "receipt_number receipt_url review shipping source source_transfer statement_descriptor "
        "statement_descriptor_suffix transfer_data transfer_group",
        amount=0,
        amount_captured=0,
        amount_refunded=0,
        billing_details=BILLING_DETAILS,
        calculated_statement_descriptor="SANDBOX COMMUNITY",
        captured=False,
        currency="usd",
        disputed=False,
        fraud_details={},
        paid=False,
        refunded=False,
        status="pending",
    ),
    "refund": without(
        shape(
            "refund",
            "balance_transaction charge customer customer_account payment_intent payment_method "
            "reason receipt_number source_transfer_reversal transfer_reversal",
            amount=0,
            currency="usd",
            destination_details={
                "card": {
                    "reference": None,
                    "reference_status": "pending",
                    "reference_type": "acquirer_reference_number",
                    "type": "refund",
                },
                "type": "card",
            },
            status="succeeded",
        ),
        "livemode",
    ),
    "dispute": shape(
        "dispute",
        "charge payment_intent",
        amount=0,
        balance_transactions=[],
        currency="usd",
        enhanced_eligibility_types=[],
        evidence={
            **nulls(
                "access_activity_log billing_address cancellation_policy "
                "cancellation_policy_disclosure cancellation_rebuttal customer_communication "
                "customer_email_address customer_name customer_purchase_ip customer_signature "
                "duplicate_charge_documentation duplicate_charge_explanation duplicate_charge_id "
                "product_description receipt refund_policy refund_policy_disclosure "
                "refund_refusal_explanation service_date service_documentation shipping_address "
                "shipping_carrier shipping_date shipping_documentation shipping_tracking_number "
                "uncategorized_file uncategorized_text"
            ),
            "enhanced_evidence": {},
        },
        evidence_details={
            "due_by": None,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        is_charge_refundable=False,
        payment_method_details={
            "card": {
                "brand": "visa",
                "case_type": "chargeback",
                "network": "visa",
                "network_reason_code": "10.4",
            },
            "type": "card",
        },
        reason="fraudulent",
        status="needs_response",
    ),
    "balance_transaction": without(
        shape(
            "balance_transaction",
            "description exchange_rate source",
            amount=0,
            available_on=None,
            balance_type="payments",
            currency="usd",
            fee=0,
            fee_details=[],
            net=0,
            reporting_category="charge",
            status="pending",
            type="charge",
        ),
        "livemode",
        "metadata",
    ),
    "payout": shape(
        "payout",
        "application_fee application_fee_amount balance_transaction destination "
        "failure_balance_transaction failure_code failure_message original_payout payout_method "
        "reversed_by statement_descriptor trace_id",
        amount=0,
        arrival_date=None,
        automatic=True,
        currency="usd",
        description="STRIPE PAYOUT",
        method="standard",
        reconciliation_status="completed",
        source_type="card",
        status="paid",
        type="bank_account",
    ),
}
