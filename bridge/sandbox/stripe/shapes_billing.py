"""Blank objects of billing: subscriptions, invoices, checkout and what belongs to them."""

from __future__ import annotations

from bridge.sandbox.stripe.shape_parts import NO_TAX, SELF, nulls, shape, without

BILLING_MODE = {"type": "flexible", "flexible": {"proration_discounts": "included"}}
PAYMENT_SETTINGS = {"payment_method_options": None, "payment_method_types": None}

SUBSCRIPTIONS = {
    "subscription": shape(
        "subscription",
        "application application_fee_percent billing_cycle_anchor billing_cycle_anchor_config "
        "billing_thresholds cancel_at canceled_at customer customer_account "
        "days_until_due default_payment_method default_source description ended_at latest_invoice "
        "next_pending_invoice_item_invoice on_behalf_of pause_collection "
        "pending_invoice_item_interval pending_setup_intent pending_update schedule start_date "
        "status_details test_clock transfer_data trial_end trial_start",
        automatic_tax=NO_TAX,
        billing_mode=BILLING_MODE,
        billing_schedules=[],
        cancel_at_period_end=False,
        cancellation_details={"comment": None, "feedback": None, "reason": None},
        collection_method="charge_automatically",
        currency="usd",
        default_tax_rates=[],
        discounts=[],
        invoice_settings={
            "account_tax_ids": None,
            "custom_fields": None,
            "description": None,
            "footer": None,
            "issuer": SELF,
        },
        managed_payments={"enabled": False},
        payment_settings={**PAYMENT_SETTINGS, "save_default_payment_method": "off"},
        status="incomplete",
        trial_settings={"end_behavior": {"missing_payment_method": "create_invoice"}},
    ),
    "subscription_item": without(
        shape(
            "subscription_item",
            "billing_thresholds current_period_end current_period_start price subscription",
            discounts=[],
            quantity=1,
            tax_rates=[],
        ),
        "livemode",
    ),
    "subscription_schedule": shape(
        "subscription_schedule",
        "application canceled_at completed_at current_phase customer customer_account "
        "released_at released_subscription subscription test_clock",
        billing_mode=BILLING_MODE,
        default_settings={
            **nulls(
                "application_fee_percent billing_thresholds default_payment_method description "
                "on_behalf_of transfer_data"
            ),
            "automatic_tax": NO_TAX,
            "billing_cycle_anchor": "automatic",
            "collection_method": "charge_automatically",
            "invoice_settings": {
                **nulls("account_tax_ids custom_fields days_until_due description footer"),
                "issuer": SELF,
            },
        },
        end_behavior="release",
        pause_schedules=[],
        phases=[],
        status="not_started",
    ),
}

INVOICES = {
    "invoice": shape(
        "invoice",
        "account_name account_tax_ids application automatically_finalizes_at custom_fields "
        "customer customer_account customer_address customer_email customer_name customer_phone "
        "customer_shipping default_payment_method default_source description due_date "
        "effective_at ending_balance footer from_invoice hosted_invoice_url invoice_pdf "
        "last_finalization_error latest_revision next_payment_attempt number on_behalf_of parent "
        "period_end period_start receipt_number rendering shipping_cost shipping_details "
        "statement_descriptor subscription test_clock webhooks_delivered_at",
        account_country="DE",
        amount_due=0,
        amount_overpaid=0,
        amount_paid=0,
        amount_remaining=0,
        amount_shipping=0,
        attempt_count=0,
        attempted=False,
        auto_advance=False,
        automatic_tax={**NO_TAX, "provider": None, "status": None},
        billing_reason="manual",
        collection_method="charge_automatically",
        currency="usd",
        customer_tax_exempt="none",
        customer_tax_ids=[],
        default_tax_rates=[],
        discounts=[],
        issuer=SELF,
        payment_settings={**PAYMENT_SETTINGS, "default_mandate": None},
        post_payment_credit_notes_amount=0,
        pre_payment_credit_notes_amount=0,
        starting_balance=0,
        status="draft",
        status_transitions=nulls("finalized_at marked_uncollectible_at paid_at voided_at"),
        subtotal=0,
        subtotal_excluding_tax=0,
        total=0,
        total_discount_amounts=[],
        total_excluding_tax=0,
        total_pretax_credit_amounts=[],
        total_taxes=[],
    ),
    "line_item": without(
        shape(
            "line_item",
            "description invoice parent period pricing quantity_decimal subscription",
            amount=0,
            currency="usd",
            discount_amounts=[],
            discountable=True,
            discounts=[],
            pretax_credit_amounts=[],
            quantity=1,
            subtotal=0,
            taxes=[],
        ),
        "created",
    ),
    "invoiceitem": without(
        shape(
            "invoiceitem",
            "customer customer_account description invoice parent period pricing test_clock",
            amount=0,
            currency="usd",
            date=None,
            discountable=True,
            discounts=[],
            net_amount=0,
            proration=False,
            quantity=1,
            quantity_decimal="1",
            tax_rates=[],
        ),
        "created",
    ),
    "invoice_payment": without(
        shape(
            "invoice_payment",
            "amount_paid invoice payment",
            amount_requested=0,
            currency="usd",
            is_default=True,
            status="open",
            status_transitions=nulls("canceled_at paid_at"),
        ),
        "metadata",
    ),
    "credit_note": shape(
        "credit_note",
        "customer customer_account customer_balance_transaction effective_at invoice memo number "
        "out_of_band_amount pdf reason shipping_cost voided_at",
        amount=0,
        amount_shipping=0,
        currency="usd",
        discount_amount=0,
        discount_amounts=[],
        post_payment_amount=0,
        pre_payment_amount=0,
        pretax_credit_amounts=[],
        refunds=[],
        status="issued",
        subtotal=0,
        subtotal_excluding_tax=0,
        total=0,
        total_excluding_tax=0,
        total_taxes=[],
        type="pre_payment",
    ),
    "credit_note_line_item": without(
        shape(
            "credit_note_line_item",
            "description invoice_line_item unit_amount unit_amount_decimal",
            amount=0,
            discount_amount=0,
            discount_amounts=[],
            pretax_credit_amounts=[],
            quantity=1,
            tax_rates=[],
            taxes=[],
            type="custom_line_item",
        ),
        "created",
    ),
}

CHECKOUT = {
    "checkout.session": shape(
        "checkout.session",
        "after_expiration allow_promotion_codes amount_subtotal amount_total "
        "billing_address_collection cancel_url client_reference_id client_secret "
        "collected_information consent consent_collection currency currency_conversion customer "
        "customer_account customer_creation customer_details customer_email discounts expires_at "
        "integration_identifier invoice invoice_creation locale managed_payments origin_context "
        "payment_intent payment_link payment_method_collection "
        "payment_method_configuration_details permissions recovered_from "
        "saved_payment_method_options setup_intent shipping_address_collection shipping_cost "
        "submit_type subscription success_url url wallet_options",
        adaptive_pricing={"enabled": False},
        automatic_tax={"enabled": False, "liability": None, "provider": None, "status": None},
        custom_fields=[],
        custom_text=nulls("after_submit shipping_address submit terms_of_service_acceptance"),
        mode="payment",
        payment_method_options={},
        payment_method_types=["card"],
        payment_status="unpaid",
        phone_number_collection={"enabled": False},
        shipping_options=[],
        status="open",
        total_details={"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        ui_mode="hosted_page",
    ),
    "item": without(
        shape(
            "item",
            "adjustable_quantity description price",
            amount_discount=0,
            amount_subtotal=0,
            amount_tax=0,
            amount_total=0,
            currency="usd",
            quantity=1,
        ),
        "created",
        "livemode",
    ),
    "billing_portal.session": without(
        shape(
            "billing_portal.session",
            "configuration customer customer_account flow locale on_behalf_of return_url url",
        ),
        "metadata",
    ),
    "billing_portal.configuration": shape(
        "billing_portal.configuration",
        "application default_return_url name updated",
        active=True,
        business_profile=nulls("headline privacy_policy_url terms_of_service_url"),
        features={
            "customer_update": {"allowed_updates": ["email", "address"], "enabled": True},
            "invoice_history": {"enabled": True},
            "payment_method_update": {
                "enabled": True,
                "payment_method_configuration": None,
            },
            "subscription_cancel": {
                "cancellation_reason": {"enabled": False, "options": []},
                "enabled": True,
                "mode": "at_period_end",
                "proration_behavior": "none",
            },
            "subscription_pause": {
                "duration": {"interval_options": [], "type": "indefinite"},
                "enabled": False,
            },
            "subscription_update": {
                "billing_cycle_anchor": None,
                "default_allowed_updates": ["price"],
                "enabled": True,
                "products": None,
                "proration_behavior": "create_prorations",
                "schedule_at_period_end": {"conditions": []},
                "trial_update_behavior": "end_trial",
            },
        },
        is_default=False,
        login_page={"enabled": False, "url": None},
    ),
}

WEBHOOKS = {
    "webhook_endpoint": shape(
        "webhook_endpoint",
        "api_version application description url",
        enabled_events=[],
        status="enabled",
    ),
}

BILLING = {**SUBSCRIPTIONS, **INVOICES, **CHECKOUT, **WEBHOOKS}
