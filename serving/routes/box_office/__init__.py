"""Routes of the box office: what is for sale, accounts, buying, tickets, promoters, and what providers say."""

from fastapi import APIRouter

from serving.routes.box_office import (
    accounts,
    bookings,
    for_sale,
    mail_links,
    orders,
    promoters,
    promoters_sales,
    tickets,
    waitlist,
    webhooks,
)

router = APIRouter(prefix="/api/box-office", tags=["box office"])
for part in (for_sale, accounts, orders, bookings, waitlist, tickets, promoters, promoters_sales, webhooks):
    router.include_router(part.router)
links = mail_links.router
